/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sources of `ferry ctl` share. */

#ifndef FERRY_VMM_TOOLS_CTL_PRIVATE_H
#define FERRY_VMM_TOOLS_CTL_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

#include "vmm/device_option.h"
#include "vmm/suboptions.h"
#include "vmm/tools/qmp.h"
#include "vmm/tools/tools.h"

/* One call of the command. */
struct ctl {
	const struct tool *tool;
	bool json;
	const char *word;          /* behind the command, or NULL */
	const char *timeout;       /* of remove, or NULL */
	struct suboptions options; /* of add: `word` taken apart */
	enum vfio_via via;         /* what they say of it */
	struct qmp qmp;
	struct err err;
};

struct ctl_command {
	const char *name;
	const char *execute; /* what the monitor is asked, or NULL */
	int (*function)(struct ctl *ctl, const struct ctl_command *command);
	const char *word; /* what it takes behind it, for a sentence; NULL: nothing */
	/* Whether that word, which is needed then, can be right at all; NULL: any, or none. */
	int (*check)(struct ctl *ctl);
};

/* What may fail returns 0 or a negative errno, with the error in @ctl set. */

/* Prints @object, which it drops, on one line: more may follow. */
int ctl_print_line(struct ctl *ctl, json_t *object) FERRY_MUST_CHECK;

/* The member @name of an object that somebody else has written: "?" where there is none. */
const char *ctl_string(const json_t *object, const char *name);

/* What x-ferry-status tells, for a person; to each device it adds what the host has counted. */
int ctl_show_status(struct ctl *ctl, const json_t *status) FERRY_MUST_CHECK;
void ctl_add_interrupts(const struct ctl *ctl, const json_t *devices);

/* "2026-11-23 10:20:30.123 WHAT", without an end; and an event, with one. */
void ctl_show_moment(struct ctl *ctl, time_t seconds, long milliseconds, const char *what);
void ctl_show_event(struct ctl *ctl, const json_t *event);

/* `add` and `remove`. */
int ctl_check_add(struct ctl *ctl) FERRY_MUST_CHECK;
int ctl_add(struct ctl *ctl, const struct ctl_command *command) FERRY_MUST_CHECK;
int ctl_check_remove(struct ctl *ctl) FERRY_MUST_CHECK;
int ctl_remove(struct ctl *ctl, const struct ctl_command *command) FERRY_MUST_CHECK;

#endif
