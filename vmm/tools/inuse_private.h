/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the search for a device's uses share. */

#ifndef FERRY_VMM_TOOLS_INUSE_PRIVATE_H
#define FERRY_VMM_TOOLS_INUSE_PRIVATE_H

#include "vmm/tools/inuse.h"

void inuse_add(struct inuse *inuse, size_t device, const char *format, ...) FERRY_PRINTF(3, 4);

/* Whether what @path leads to is the device's own or hangs below it. */
bool inuse_belongs(const struct vfio_host_device *device, const char *path);

/* Whether block device @disk is the device's own, hangs below it, or has a path by way of it. */
bool inuse_owns_disk(const struct tool *tool, const struct vfio_host_device *device,
		     const char *disk);

/* The disks and shares, see inuse_find(). */
void inuse_find_disks(const struct tool *tool, const struct vfio_host_device *devices, size_t count,
		      bool exclusive, struct inuse *inuse);

/* Addresses, routes and the last default route of IPv4 and IPv6; ports of bridges and bonds. */
void inuse_find_network(const struct tool *tool, const struct vfio_host_device *devices,
			size_t count, struct inuse *inuse);

#endif
