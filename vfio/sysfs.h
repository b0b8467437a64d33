/* SPDX-License-Identifier: BSD-3-Clause */
/* What sysfs tells of a PCI device before it is opened: address, driver, IOMMU group, BAR sizes. */

#ifndef FERRY_VFIO_SYSFS_H
#define FERRY_VFIO_SYSFS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/pci/pci.h"
#include "vmm/base/err.h"

enum { VFIO_ADDRESS_SIZE = 16 };

/* One line of the `resource` file; BARs and, at PCI_ROM_BAR, the expansion ROM. */
struct vfio_resource {
	uint64_t size; /* 0: none */
	bool io;
	bool wide; /* a 64-bit BAR */
};

struct vfio_sysfs_device {
	char path[PATH_MAX];
	char address[VFIO_ADDRESS_SIZE]; /* domain:bus:device.function, 0000:01:00.0 */
	unsigned int slot;               /* domain << 13 | bus << 5 | device: equal for functions */
	unsigned int function;
	unsigned int group;
	struct vfio_resource resources[PCI_BAR_COUNT];
};

/*
 * Finds @name (a full path, 0000:01:00.0 or 01:00.0) under @sysfs and checks, in this order, that it
 * exists, is a PCI device, has an IOMMU group and is bound to a VFIO driver; then reads its BAR
 * sizes. 0, or -errno with @err saying what to do.
 */
int vfio_sysfs_find(const char *sysfs, const char *name, struct vfio_sysfs_device *device,
		    struct err *err) FERRY_MUST_CHECK;

/*
 * Fills @err with the members of IOMMU group @group whose drivers keep it from being viable and the
 * commands that free them. Returns -EPERM.
 */
int vfio_sysfs_not_viable(const char *sysfs, unsigned int group, struct err *err);

#endif
