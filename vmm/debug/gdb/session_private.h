/* SPDX-License-Identifier: BSD-3-Clause */
/* What the session's files share: its state and its commands. */

#ifndef FERRY_VMM_DEBUG_GDB_SESSION_PRIVATE_H
#define FERRY_VMM_DEBUG_GDB_SESSION_PRIVATE_H

#include "vmm/debug/gdb/packet.h"
#include "vmm/debug/gdb/session.h"

enum { GDB_SIGINT = 2, GDB_SIGTRAP = 5 };

/*
 * Whether a debugger is there, and what the guest does as the debugger knows it:
 *
 *            the guest stands
 *      ALONE ------------------------------------> STANDING <--------------+
 *        |                                          |    ^                 |
 *        | the guest runs: it is halted   continue, |    | it stops        | it stops
 *        v                                step      v    |                 |
 *     ARRIVING -----> HOLDING                      RUNNING ------> INTERRUPTED
 *             a packet                                     Ctrl-C
 *
 * ARRIVING and HOLDING become STANDING when the guest stops; the packet is answered then. From all
 * but ALONE the guest's end leads to OVER, and the debugger's leave (D, k, a lost connection) back
 * to ALONE. A debugger that comes after the guest's end finds OVER.
 */
enum gdb_state {
	GDB_ALONE,    /* no debugger is there */
	GDB_ARRIVING, /* it has come, and the guest does not stand yet */
	GDB_HOLDING,  /* the same, and a packet waits for that */
	GDB_STANDING,
	GDB_RUNNING,
	GDB_INTERRUPTED, /* running, and the debugger wants it to stop */
	GDB_OVER,        /* the guest is no more */
};

/* What is known of the debugger that is there. */
struct gdb_debugger {
	bool no_acks;
	bool told_limits;
	bool knows_software, knows_hardware; /* reasons of a stop that it can read */
	int64_t resume_thread;               /* as `Hc` gave it */
};

/* What a vCPU was told when the guest went on last; a range is stepped through here. */
struct gdb_range {
	uint64_t start, end; /* addresses from the first to before the second; equal: none */
};

struct gdb_session {
	struct debug *target;
	struct gdb_link link;
	enum gdb_state state;
	struct gdb_debugger debugger;
	const char *limits; /* of the target; NULL: not asked for yet */
	bool exited;        /* the guest, with a debugger or without */
	int exit_status, exit_signal;
	bool stopped; /* `stop` says why the guest stands, with a debugger or without */
	struct gdb_stop stop;
	unsigned int general; /* the vCPU whose registers and memory are meant */
	unsigned int cpus;    /* of the two arrays */
	enum gdb_action *actions;
	struct gdb_range *ranges;
	struct gdb_parser parser;
	bool silent; /* the command is not answered now */
	struct gdb_reply reply;
	size_t frame_size;
	uint8_t frame[GDB_FRAME_MAX]; /* the last that was sent */
};

enum { GDB_ALWAYS = 0, GDB_WHILE_STANDING = 1, GDB_WHOLE = 2 };

struct gdb_command {
	const char *name;   /* how the packet begins; NULL ends a table */
	unsigned int flags; /* GDB_WHILE_STANDING: of a guest that stands; GDB_WHOLE: all of it */
	/*
	 * @scan is what follows the name. Fills the session's reply, which is empty before, or sets
	 * `silent`.
	 */
	void (*run)(struct gdb_session *session, struct gdb_scan *scan);
};

extern const struct gdb_command gdb_data_commands[];   /* registers, memory, and points */
extern const struct gdb_command gdb_query_commands[];  /* threads, features, the monitor */
extern const struct gdb_command gdb_resume_commands[]; /* what makes the guest go on */

/*
 * After a stop within a range that is stepped through, makes the guest go on as before; false when
 * the debugger has to hear of the stop.
 */
bool gdb_session_range_goes_on(struct gdb_session *session, const struct gdb_stop *stop);

/* Sends text as the guest's output would be; only while it runs or `monitor` is answered. */
void gdb_session_say(struct gdb_session *session, const char *text, size_t size);

#endif
