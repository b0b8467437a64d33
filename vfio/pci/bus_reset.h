/* SPDX-License-Identifier: BSD-3-Clause */
/* The reset of a whole bus or slot: whom it hits, and the groups that prove they are ours. */

#ifndef FERRY_VFIO_PCI_BUS_RESET_H
#define FERRY_VFIO_PCI_BUS_RESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/backend.h"
#include "vmm/base/err.h"

/*
 * VFIO_DEVICE_PCI_HOT_RESET, prepared. Its groups are descriptors of its own, so that it may be
 * carried out by any thread while groups come and go.
 */
struct vfio_bus_reset {
	uint32_t segment;                          /* the caller's, by its address */
	struct vfio_pci_dependent_device *devices; /* everyone hit, the caller's function too */
	uint32_t count;
	struct vfio_pci_hot_reset *request;
};

/* The descriptor of group @number, or a negative errno when it is not ours. */
typedef int (*vfio_find_group)(void *owner, unsigned int number);

/*
 * VFIO_DEVICE_GET_PCI_HOT_RESET_INFO of @backend and the groups of all that it names. @name is its
 * address. NULL with @err saying why not (-ENODEV: no such reset; -EPERM: a device that is not
 * ours, named).
 */
struct vfio_bus_reset *vfio_bus_reset_prepare(struct vfio_backend *backend, const char *name,
					      vfio_find_group find, void *owner, struct err *err);

/*
 * Whether VFIO has every function that @reset hits, by @sysfs, without which the kernel refuses it:
 * one of a group of ours may have no driver, or one that does nothing. -EPERM with @err set, naming
 * the first.
 */
int vfio_bus_reset_check(const struct vfio_bus_reset *reset, const char *sysfs, const char *name,
			 struct err *err) FERRY_MUST_CHECK;

/* NULL is allowed. */
void vfio_bus_reset_free(struct vfio_bus_reset *reset);

/* Whether it hits the function at @address (0000:01:00.0). */
bool vfio_bus_reset_hits(const struct vfio_bus_reset *reset, const char *address);

#endif
