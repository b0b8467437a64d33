/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host would lose with a device: its disks, its way into the network, its display. */

#ifndef FERRY_VMM_TOOLS_INUSE_H
#define FERRY_VMM_TOOLS_INUSE_H

#include <stdbool.h>
#include <stddef.h>

#include "vfio/host/host.h"
#include "vmm/tools/tools.h"

enum { INUSE_MAX = 16, INUSE_TEXT = 256 };

struct inuse {
	struct {
		size_t device; /* index of whose it is */
		char text[INUSE_TEXT];
	} reasons[INUSE_MAX];
	size_t count; /* may be more than are told */
};

/*
 * Says why the host needs @devices, which would all go at once: a mounted file system, swap, a
 * member of an array or of a mapping, a share, network addresses and routes, a port of a bridge.
 * With @exclusive (root only) also opens their disks to see whether anybody else holds them, and
 * looks for the processes that have their nodes open.
 */
void inuse_find(const struct tool *tool, const struct vfio_host_device *devices, size_t count,
		bool exclusive, struct inuse *inuse);

/* Adds the processes that have a device node of @devices open, as far as this user may know. */
void inuse_find_openers(const struct tool *tool, const struct vfio_host_device *devices,
			size_t count, struct inuse *inuse);

/*
 * Tells @take of each address that the host's interfaces have, as "192.168.2.5/24", but for the
 * loopback's and IPv6's link-local ones, which every interface has by itself. 0 or a negative
 * errno.
 */
int inuse_each_address(tool_take_address take, void *context);

/* Whether the host's text console is on this device's display. */
bool inuse_as_display(const struct tool *tool, const struct vfio_host_device *device);

#endif
