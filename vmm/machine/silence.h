/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest that says nothing because its command line names no console: that is told, once. */

#ifndef FERRY_VMM_MACHINE_SILENCE_H
#define FERRY_VMM_MACHINE_SILENCE_H

#include <stdbool.h>

#include "vmm/base/loop.h"
#include "vmm/machine/console.h"

struct silence {
	struct loop *loop;
	const struct console *console;
	const char *name; /* the guest's for its serial port: "ttyS0" */
	int timer;        /* -1: not waiting */
	int spare;        /* a timerfd that was made ahead, which it takes; 0: none */
};

/*
 * Whether Linux started with @cmdline has a console on the serial port that it calls @name, and has
 * without any word of one if @is_default.
 */
bool silence_has_console(const char *cmdline, const char *name, bool is_default);

/*
 * Warns some seconds from now if nothing has come from the serial port by then. The loop, on whose
 * thread this is called, and the console outlive it.
 */
void silence_begin(struct silence *silence, struct loop *loop, const struct console *console,
		   const char *name);

/* Waits no longer; also where it never did, with a timer of -1. */
void silence_end(struct silence *silence);

#endif
