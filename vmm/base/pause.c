/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread's pause that somebody else can end. */

#include "vmm/base/pause.h"

#include <poll.h>

bool pause_unless(int stop, int milliseconds)
{
	struct pollfd event = {.fd = stop, .events = POLLIN};

	return poll(&event, 1, milliseconds) == 0;
}
