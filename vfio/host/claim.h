/* SPDX-License-Identifier: BSD-3-Clause */
/* Who on the host holds a device's BARs, so that VFIO does not get them. */

#ifndef FERRY_VFIO_HOST_CLAIM_H
#define FERRY_VFIO_HOST_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/host/sysfs.h"

/* Memory, or ports, of BAR @bar that the kernel has given to @name, such as efifb. */
struct vfio_claim {
	unsigned int bar;
	char name[64];
	uint64_t first, last;
};

/*
 * The first BAR of @device, whose driver is @driver ("": none), that is held by somebody whom the
 * driver's leaving would not end: by @proc's iomem or ioports, whose addresses only root is told.
 * False too when they tell nothing.
 */
bool vfio_claim_find(const char *proc, const struct vfio_sysfs_device *device, const char *driver,
		     struct vfio_claim *claim);

/* "BAR 1 is held by efifb (0xe0000000-0xe02fffff)". */
void vfio_claim_tell(const struct vfio_claim *claim, char *text, size_t size);

/* What makes the holder let go. */
void vfio_claim_mend(const struct vfio_claim *claim, char *text, size_t size);

/* Fills @err with who holds BAR @bar, which the kernel answers -EBUSY for. Returns -EBUSY. */
int vfio_claim_refuse(const char *proc, const struct vfio_sysfs_device *device, unsigned int bar,
		      struct err *err);

#endif
