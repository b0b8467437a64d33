/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a guest's port goes: the terminal, a pseudo-terminal, a file or nowhere. */

#ifndef FERRY_VMM_MACHINE_CONSOLE_H
#define FERRY_VMM_MACHINE_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "vmm/base/loop.h"
#include "vmm/config.h"

struct console;

/* What the user asks for with the escape key, Ctrl-A, and another. */
enum console_request {
	CONSOLE_QUIT,         /* x */
	CONSOLE_POWER_BUTTON, /* p */
	CONSOLE_RESET,        /* r */
	CONSOLE_CONTINUE,     /* c */
};

/* Which port it is, and where that goes; the strings outlive the console. */
struct console_place {
	enum config_serial kind;
	const char *path;   /* of a file */
	int fd;             /* that somebody else has opened */
	const char *port;   /* for messages: "serial port" */
	const char *option; /* likewise, that says so */
};

struct console_owner {
	/* Offers input to the guest's port; how many bytes it took. Main thread. */
	size_t (*input)(void *machine, const uint8_t *bytes, size_t count);
	void (*request)(void *machine, enum console_request request);
	/* Output that was not taken can go out now. Main thread. */
	void (*wake)(void *machine);
	void *machine;
};

/*
 * Opens what @place names; stdio is made raw only by console_start(), and no two have it. NULL with
 * @err set. The loop outlives the console.
 */
struct console *console_create(const struct console_place *place, struct loop *loop,
			       const struct console_owner *owner, struct err *err);

/*
 * Starts taking input; NULL is allowed. Before it only output goes through. To be called again
 * after the process was stopped: the terminal may be ours only now, or have lost its mode.
 */
void console_start(struct console *console);

/* Whether the guest has written anything to its port yet. Any thread. */
bool console_has_output(const struct console *console);

/*
 * Writes what the guest has written: how many of the @count bytes were taken or are lost. With
 * fewer the owner is woken. Any thread.
 */
size_t console_write(struct console *console, const uint8_t *bytes, size_t count);

/* The guest's port has room for input that it did not take. Any thread. */
void console_room(void *console);

/* The terminal's size; 0 where it is none, or does not know. Before the sandbox. */
void console_size(const struct console *console, uint16_t *columns, uint16_t *rows);

/* Restores the terminal and closes; NULL is allowed. */
void console_destroy(struct console *console);

/* The other end, for the machine's serial port. */
struct arch_console console_port(struct console *console);

#endif
