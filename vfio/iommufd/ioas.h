/* SPDX-License-Identifier: BSD-3-Clause */
/* iommufd's address space, which every device of the guest is attached to. */

#ifndef FERRY_VFIO_IOMMUFD_IOAS_H
#define FERRY_VFIO_IOMMUFD_IOAS_H

#include <stdint.h>

#include "vfio/space.h"
#include "vmm/base/err.h"

struct vfio_ioas {
	struct vfio_space space;
	int iommufd; /* the owner's */
	uint32_t id;
};

/*
 * IOMMU_IOAS_ALLOC on @iommufd, an open /dev/iommu, with whose end it ends. What is pinned counts
 * for the user, whose processes are in @proc, unless who opened it has chosen the process.
 */
int vfio_ioas_create(struct vfio_ioas *ioas, int iommufd, const char *proc,
		     struct err *err) FERRY_MUST_CHECK;

/*
 * IOMMU_DESTROY, for an iommufd that others may have open too: what is mapped is unmapped. -EBUSY
 * while a device is attached.
 */
int vfio_ioas_destroy(const struct vfio_ioas *ioas) FERRY_MUST_CHECK;

/* IOMMU_IOAS_IOVA_RANGES, each time that a device was attached. */
int vfio_ioas_read_ranges(struct vfio_ioas *ioas, struct err *err) FERRY_MUST_CHECK;

#endif
