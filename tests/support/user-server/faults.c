/* SPDX-License-Identifier: BSD-3-Clause */
/* What the misbehaviours of a server are called. */

#include <string.h>

#include "tests/support/user-server/server.h"

static const char *const names[FAULTS] = {
	[FAULT_NONE] = "none",       [FAULT_LATE] = "late",   [FAULT_SHORT] = "short",
	[FAULT_DIES] = "dies",       [FAULT_ID] = "id",       [FAULT_COMMAND] = "command",
	[FAULT_SMALL] = "small",     [FAULT_LARGE] = "large", [FAULT_HUGE] = "huge",
	[FAULT_TINY] = "tiny",       [FAULT_TWICE] = "twice", [FAULT_FDS] = "fds",
	[FAULT_FD] = "fd",           [FAULT_ERROR] = "error", [FAULT_PLACE] = "place",
	[FAULT_BEYOND] = "beyond",   [FAULT_NO_FD] = "no-fd", [FAULT_DEVICE] = "device",
	[FAULT_UNASKED] = "unasked", [FAULT_MAJOR] = "major", [FAULT_NONSENSE] = "nonsense",
};

const char *user_fault_name(enum user_fault fault)
{
	return names[fault];
}

enum user_fault user_fault_find(const char *name)
{
	for (unsigned int i = 0; i < FAULTS; i++)
		if (strcmp(names[i], name) == 0)
			return (enum user_fault)i;
	return FAULTS;
}
