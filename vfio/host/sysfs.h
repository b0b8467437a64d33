/* SPDX-License-Identifier: BSD-3-Clause */
/* What sysfs tells of a device before it is opened: name, driver, IOMMU group, BAR sizes. */

#ifndef FERRY_VFIO_HOST_SYSFS_H
#define FERRY_VFIO_HOST_SYSFS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/pci/pci.h"
#include "vmm/base/err.h"

enum { VFIO_ADDRESS_SIZE = 64, VFIO_DRIVER_SIZE = 64 };

/* Ranges of addresses that an IOMMU maps, the most that are told apart. */
enum { VFIO_IOVA_RANGES_MAX = 32 };

/* One line of the `resource` file; BARs and, at PCI_ROM_BAR, the expansion ROM. */
struct vfio_resource {
	uint64_t start; /* the host's address */
	uint64_t size;  /* 0: none */
	bool io;
	bool wide; /* a 64-bit BAR */
	bool prefetchable;
};

struct vfio_sysfs_device {
	char path[PATH_MAX];
	/*
	 * What VFIO calls it: domain:bus:device.function (0000:01:00.0) unless it is no PCI device.
	 */
	char address[VFIO_ADDRESS_SIZE];
	bool is_pci;   /* else sysfs tells no sizes, and slot and function are 0 */
	bool variant;  /* its driver is not vfio-pci itself, and may show BARs that sysfs has not */
	uint64_t slot; /* domain << 13 | bus << 5 | device: equal for functions */
	unsigned int function;
	struct vfio_resource resources[PCI_BAR_COUNT];
};

/* Whether the BARs that VFIO shows may be others than sysfs tells, if that tells any. */
static inline bool vfio_sysfs_is_silent(const struct vfio_sysfs_device *device)
{
	return !device->is_pci || device->variant;
}

/*
 * Finds @name under @sysfs: a PCI device by its address (0000:01:00.0, 01:00.0), a mediated device
 * by its UUID, or any device by its path. Checks, in this order, that it exists; unless @group is
 * NULL, that it has an IOMMU group, told there, which of PCI confines it; that a VFIO driver has
 * it. Then reads a PCI device's BAR sizes. 0, or -errno with @err saying what to do.
 */
int vfio_sysfs_find(const char *sysfs, const char *name, struct vfio_sysfs_device *device,
		    unsigned int *group, struct err *err) FERRY_MUST_CHECK;

/*
 * Whether @name is written as a device's is (as vfio_sysfs_find() takes it), there or not; a
 * malformed one is the user's fault: -EINVAL or -ENAMETOOLONG.
 */
int vfio_sysfs_check_name(const char *name, struct err *err) FERRY_MUST_CHECK;

/*
 * The steps of vfio_sysfs_find() for PCI devices alone: name and path of a PCI device, its group,
 * its BAR sizes.
 */
int vfio_sysfs_locate(const char *sysfs, const char *name, struct vfio_sysfs_device *device,
		      struct err *err) FERRY_MUST_CHECK;
int vfio_sysfs_group(const struct vfio_sysfs_device *device, unsigned int *group,
		     struct err *err) FERRY_MUST_CHECK;
int vfio_sysfs_resources(struct vfio_sysfs_device *device, struct err *err) FERRY_MUST_CHECK;

/*
 * Whether an IOMMU keeps the PCI devices of @group to the memory they are given: false in VFIO's
 * no-IOMMU mode, whose groups confine nothing. True when it cannot be read.
 */
bool vfio_sysfs_is_confined(const char *sysfs, unsigned int group);

/* What a BAR of @size takes of a window: at least a page, as it is assigned; 0 for none. */
uint64_t vfio_sysfs_room(uint64_t size);

/* Adds the room that the device's memory BARs need. */
void vfio_sysfs_window(const struct vfio_sysfs_device *device, uint64_t *mmio32, uint64_t *mmio64);

/* The last component of the link @folder/@name; -errno, -ENAMETOOLONG when it does not fit. */
int vfio_sysfs_link(const char *folder, const char *name, char *component,
		    size_t size) FERRY_MUST_CHECK;

/* As 6ba7b810-9dad-11d1-80b4-00c04fd430c8. */
bool vfio_sysfs_is_uuid(const char *text);

/* Variant drivers (mlx5_vfio_pci) serve VFIO as well as vfio-pci does. */
bool vfio_driver_is_vfio(const char *driver);

/* Drivers that leave their device's DMA alone, so that the kernel accepts them in a group. */
bool vfio_driver_is_harmless(const char *driver);

/*
 * -EPERM, with @err naming the members of IOMMU group @group whose drivers keep it from being
 * viable and the command that frees them; 0 when there are none.
 */
int vfio_sysfs_check_members(const char *sysfs, unsigned int group,
			     struct err *err) FERRY_MUST_CHECK;

/* The same of one that the kernel says is not viable: -EPERM in any case. */
int vfio_sysfs_not_viable(const char *sysfs, unsigned int group, struct err *err);

#endif
