/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a device can be handed to a guest, now or after `ferry bind`, or the reason why not. */

#ifndef FERRY_VMM_TOOLS_PASSABLE_H
#define FERRY_VMM_TOOLS_PASSABLE_H

#include "vmm/tools/inuse.h"

enum passable_kind { PASSABLE_READY, PASSABLE_BIND, PASSABLE_BIND_GROUP, PASSABLE_NO };

struct passable {
	enum passable_kind kind;
	char word[32];                        /* for a table */
	char reason[INUSE_TEXT + 128];        /* one sentence; "" when ready */
	char command[VFIO_ADDRESS_SIZE + 32]; /* what makes it ready, "" when there is none */
};

/* @members are those of the device's group. */
void passable_find(const struct tool *tool, const struct vfio_host_device *device,
		   const struct vfio_host_device *members, size_t count, struct passable *passable);

/* As JSON tells it: "ready", "after-bind", "after-bind-group", "no". */
const char *passable_name(enum passable_kind kind);

#endif
