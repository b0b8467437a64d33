/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of the control socket: their table, the check of their arguments, their answers. */

#ifndef FERRY_VMM_CONTROL_COMMANDS_H
#define FERRY_VMM_CONTROL_COMMANDS_H

#include <jansson.h>

#include "vmm/control/target.h"

/* The one that ends the negotiation. */
extern const char control_negotiates[];

/*
 * Carries out @name with @arguments, an object or NULL, of a client that has @negotiated or not:
 * *@answer is the caller's. -ENOENT: there is no such command then; another negative errno when it
 * is refused or fails. @err has the sentence of each.
 */
int control_command(const struct control_target *target, bool negotiated, const char *name,
		    json_t *arguments, json_t **answer, struct err *err) FERRY_MUST_CHECK;

/* What the greeting has under "version", too. */
json_t *control_version(void);

#endif
