/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel back end with container and groups: type1 DMA, devices opened through their group. */

#ifndef FERRY_VFIO_TYPE1_GROUP_H
#define FERRY_VFIO_TYPE1_GROUP_H

#include <stdint.h>

#include "vfio/backend.h"
#include "vfio/space.h"
#include "vmm/base/err.h"

struct vfio_container;
struct vfio_group;

/*
 * Takes over @fd, an open container: checks VFIO_GET_API_VERSION and that @type, which must be
 * VFIO_TYPE1v2_IOMMU, is there. NULL with @err set; @fd is closed then too.
 */
struct vfio_container *vfio_container_adopt(int fd, uint32_t type, struct err *err);

/* The same after opening @folder/vfio. */
struct vfio_container *vfio_container_open(const char *folder, struct err *err);

/* All groups have left. NULL is allowed. */
void vfio_container_close(struct vfio_container *container);

struct vfio_space *vfio_container_space(struct vfio_container *container);
int vfio_container_descriptor(const struct vfio_container *container);

/*
 * Opens @folder/@number and tests that the group is viable (a bit of the status). NULL with @err
 * saying missing, busy, no permission, or the members in the way, which are looked up in @sysfs.
 */
struct vfio_group *vfio_group_open(const char *sysfs, const char *folder, unsigned int number,
				   struct err *err);

/* VFIO_GROUP_SET_CONTAINER, and VFIO_SET_IOMMU after the first group. The container outlives it. */
int vfio_group_join(struct vfio_group *group, struct vfio_container *container,
		    struct err *err) FERRY_MUST_CHECK;

/* Leaves the container and closes; every device of it is closed by then. NULL is allowed. */
void vfio_group_close(struct vfio_group *group);

int vfio_group_descriptor(const struct vfio_group *group);

/*
 * VFIO_GROUP_GET_DEVICE_FD by @address (0000:01:00.0, or how else VFIO calls it), with @token
 * unless that is NULL. NULL with @err set.
 */
struct vfio_backend *vfio_group_open_device(struct vfio_group *group, const char *address,
					    const char *token, struct err *err);

#endif
