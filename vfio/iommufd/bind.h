/* SPDX-License-Identifier: BSD-3-Clause */
/* A character device's way into iommufd's address space, and out of it. */

#ifndef FERRY_VFIO_IOMMUFD_BIND_H
#define FERRY_VFIO_IOMMUFD_BIND_H

#include <stdbool.h>

#include "vfio/iommufd/ioas.h"
#include "vmm/base/err.h"

struct vfio_bind {
	const char *address; /* for a sentence */
	int fd;              /* the open node */
	bool given;          /* opened by somebody else, who may have bound it */
	bool iommufd_given;  /* the address space is in somebody else's iommufd too */
	const char *token;   /* a UUID, or NULL */
	bool *attached;      /* set once it has left where it was: vfio_unbind() follows */
};

/*
 * VFIO_DEVICE_BIND_IOMMUFD, which opens the device, unless it is bound to the iommufd of @ioas
 * already; and VFIO_DEVICE_ATTACH_IOMMUFD_PT to @ioas. -EOPNOTSUPP: the kernel takes no token here.
 */
int vfio_bind(const struct vfio_ioas *ioas, const struct vfio_bind *device,
	      struct err *err) FERRY_MUST_CHECK;

/*
 * VFIO_DEVICE_DETACH_IOMMUFD_PT: @fd does no DMA any more, whoever has it open besides. One that is
 * not attached stays as it is.
 */
void vfio_unbind(int fd);

#endif
