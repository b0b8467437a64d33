/* SPDX-License-Identifier: BSD-3-Clause */
/* VFIO's container: the address space that groups share, by its type1 IOMMU driver. */

#ifndef FERRY_VFIO_TYPE1_CONTAINER_H
#define FERRY_VFIO_TYPE1_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

#include "vfio/host/sysfs.h"
#include "vfio/space.h"
#include "vmm/base/err.h"

struct vfio_container {
	struct vfio_space space;
	int fd;
	uint64_t maps_left; /* as the IOMMU told when the last group joined */
};

/*
 * Takes over @fd, an open container: checks VFIO_GET_API_VERSION and that @type, which must be
 * VFIO_TYPE1v2_IOMMU, is there. NULL with @err set; @fd is closed then too.
 */
struct vfio_container *vfio_container_adopt(int fd, uint32_t type, struct err *err);

/* The same for one that somebody else has opened, and must not have set up. */
struct vfio_container *vfio_container_take(int fd, struct err *err);

/* The same after opening @dev/vfio/vfio. */
struct vfio_container *vfio_container_open(const char *dev, struct err *err);

/* VFIO_IOMMU_GET_INFO, each time that a group has joined. */
int vfio_container_read_info(struct vfio_container *container, struct err *err) FERRY_MUST_CHECK;

/* All groups have left. NULL is allowed. */
void vfio_container_close(struct vfio_container *container);

#endif
