/* SPDX-License-Identifier: BSD-3-Clause */
/* What the misbehaviours of a server are called. */

#include <string.h>

#include "tests/support/user-server/server.h"

static const char *const names[USER_FAULTS] = {
	[USER_FAULT_NONE] = "none",
	[USER_FAULT_LATE] = "late",
	[USER_FAULT_SHORT] = "short",
	[USER_FAULT_DIES] = "dies",
	[USER_FAULT_ID] = "id",
	[USER_FAULT_COMMAND] = "command",
	[USER_FAULT_SMALL] = "small",
	[USER_FAULT_LARGE] = "large",
	[USER_FAULT_HUGE] = "huge",
	[USER_FAULT_TINY] = "tiny",
	[USER_FAULT_TWICE] = "twice",
	[USER_FAULT_FDS] = "fds",
	[USER_FAULT_FD] = "fd",
	[USER_FAULT_ERROR] = "error",
	[USER_FAULT_ERROR_DATA] = "error-data",
	[USER_FAULT_ANSWERS] = "answers",
	[USER_FAULT_PLACE] = "place",
	[USER_FAULT_COUNT] = "count",
	[USER_FAULT_BEYOND] = "beyond",
	[USER_FAULT_NO_FD] = "no-fd",
	[USER_FAULT_DEVICE] = "device",
	[USER_FAULT_UNASKED] = "unasked",
	[USER_FAULT_MANY] = "many",
	[USER_FAULT_TALKS] = "talks",
	[USER_FAULT_MAJOR] = "major",
	[USER_FAULT_NONSENSE] = "nonsense",
};

enum user_fault user_fault_find(const char *name)
{
	for (unsigned int i = 0; i < USER_FAULTS; i++)
		if (strcmp(names[i], name) == 0)
			return (enum user_fault)i;
	return USER_FAULTS;
}
