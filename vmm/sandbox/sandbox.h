/* SPDX-License-Identifier: BSD-3-Clause */
/* The monitor gives up everything but its work, before the guest's first instruction. */

#ifndef FERRY_VMM_SANDBOX_SANDBOX_H
#define FERRY_VMM_SANDBOX_SANDBOX_H

#include <stdbool.h>

#include "vmm/base/err.h"
#include "vmm/base/thread.h"

struct user;

enum sandbox_mode {
	SANDBOX_ON,
	SANDBOX_LOG, /* what would be refused is let, and told */
	SANDBOX_OFF,
};

struct sandbox_settings {
	enum sandbox_mode mode;
	bool pins;               /* memory is pinned for devices, or will be */
	bool clients;            /* by --control or --gdb */
	const struct user *user; /* to become, NULL: none */
	int wake; /* an eventfd that is signalled when there is something for sandbox_refused() */
};

/* Reads "on", "log" or "off"; -EINVAL for anything else. */
int sandbox_parse_mode(const char *text, enum sandbox_mode *mode) FERRY_MUST_CHECK;

/*
 * Gives up, for the calling thread and all that it starts: new privileges, every capability, being
 * looked into by others, and with Landlock all files but those that are held (vmm/base/held.h), all
 * TCP, and abstract sockets and processes outside. Root becomes the user of the settings, whatever
 * the mode. What the host's kernel does not know is done without, and told where information is.
 * The limit of locked memory is settled first. Main thread, once, before any other thread. A
 * failure is one sentence; what is given up stays so.
 */
int sandbox_drop(const struct sandbox_settings *settings, struct err *err) FERRY_MUST_CHECK;

/*
 * Has threads that thread_create() starts from now on make no other system calls than the table
 * (table/rows.c) has for their kind. A failure is one sentence. Behind sandbox_drop(), before any
 * other thread.
 */
int sandbox_begin(const struct sandbox_settings *settings, struct err *err) FERRY_MUST_CHECK;

/*
 * The same for the calling thread, the main one. Those that are started later pass two filters, the
 * starter's too; those before, the vCPUs', only their own.
 */
void sandbox_close(void);

/* 0, or a sentence about the first call that was refused. Main thread. */
int sandbox_refused(struct err *err) FERRY_MUST_CHECK;

#endif
