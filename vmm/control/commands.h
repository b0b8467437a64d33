/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of the control socket: their table, the check of their arguments, their answers. */

#ifndef FERRY_VMM_CONTROL_COMMANDS_H
#define FERRY_VMM_CONTROL_COMMANDS_H

#include <errno.h>
#include <jansson.h>

#include "vmm/control/passed.h"
#include "vmm/control/target.h"

/* The one that ends the negotiation. */
extern const char control_negotiates[];

/* Who has a command carried out. */
struct control_caller {
	const struct control_target *target;
	bool negotiated;
	struct control_passed *passed; /* its descriptors */
	/*
	 * For a command that takes its time: what `done` is to be called with once, perhaps before
	 * the command returns; NULL: no memory.
	 */
	void *(*defer)(void *owner);
	vfio_added done;
	void *owner;
};

/* How one is carried out: as control_command(), but *@answer is {} at first. */
typedef int control_function(const struct control_caller *caller, json_t *arguments,
			     json_t **answer, struct err *err);

enum {
	CONTROL_LATER = 1, /* it is answered by `done` */
	CONTROL_NO_COMMAND = -ENOENT,
	CONTROL_NO_DEVICE = -ENODEV,
};

/*
 * Carries out @name with @arguments, an object or NULL: 0 with *@answer, which is the caller's, or
 * CONTROL_LATER. Refused or failed, it is a negative errno, two of which have a class of error of
 * their own; @err has the sentence then.
 */
int control_command(const struct control_caller *caller, const char *name, json_t *arguments,
		    json_t **answer, struct err *err) FERRY_MUST_CHECK;

/* What the greeting has under "version", too. */
json_t *control_version(void);

#endif
