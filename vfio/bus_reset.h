/* SPDX-License-Identifier: BSD-3-Clause */
/* The reset of a whole bus or slot: whom it hits, and what proves that they are ours. */

#ifndef FERRY_VFIO_BUS_RESET_H
#define FERRY_VFIO_BUS_RESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/backend.h"
#include "vmm/base/err.h"

struct vfio_provider;

/*
 * VFIO_DEVICE_PCI_HOT_RESET, prepared. Its descriptors are its own, so that it may be carried out
 * by any thread while devices come and go.
 */
struct vfio_bus_reset {
	uint32_t segment;                     /* the caller's, by its address */
	struct vfio_pci_hot_reset_info *info; /* everyone hit, the caller's function too */
	struct vfio_pci_hot_reset *request;   /* with room for a descriptor for each of them */
};

/*
 * VFIO_DEVICE_GET_PCI_HOT_RESET_INFO of @backend, whose address is @name, and what @provider shows
 * of all whom that names. NULL with @err saying why not (-ENODEV: no such reset; -EPERM: a device
 * that is not ours, named).
 */
struct vfio_bus_reset *vfio_bus_reset_prepare(struct vfio_provider *provider,
					      struct vfio_backend *backend, const char *name,
					      struct err *err);

/*
 * Whether VFIO has, by @sysfs, everyone that is hit, without which the kernel refuses: one that is
 * shown to be ours may have no driver, or one that does nothing. -EPERM with @err naming the first
 * that it has not.
 */
int vfio_bus_reset_check_drivers(const struct vfio_bus_reset *reset, const char *sysfs,
				 const char *name, struct err *err) FERRY_MUST_CHECK;

/* For the provider: puts a duplicate of @fd into the request, one at most for each that is hit. */
int vfio_bus_reset_show(struct vfio_bus_reset *reset, int fd) FERRY_MUST_CHECK;

/* Likewise: how the host calls the @index-th that is hit (0000:01:00.0). */
void vfio_bus_reset_address(const struct vfio_bus_reset *reset, uint32_t index, char *text,
			    size_t size);

/* NULL is allowed. */
void vfio_bus_reset_free(struct vfio_bus_reset *reset);

/* Whether it hits the function at @address (0000:01:00.0). */
bool vfio_bus_reset_hits(const struct vfio_bus_reset *reset, const char *address);

#endif
