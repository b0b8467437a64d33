/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sources of the control socket share. */

#ifndef FERRY_VMM_CONTROL_CONTROL_PRIVATE_H
#define FERRY_VMM_CONTROL_CONTROL_PRIVATE_H

#include <stddef.h>

#include "vmm/control/control.h"

/* Sends a line, or NULL for want of memory, to every client that hears of events. */
void control_tell(struct control *control, const char *line, size_t size);

#endif
