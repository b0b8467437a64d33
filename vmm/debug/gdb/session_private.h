/* SPDX-License-Identifier: BSD-3-Clause */
/* What the session's files share: its state and its commands. */

#ifndef FERRY_VMM_DEBUG_GDB_SESSION_PRIVATE_H
#define FERRY_VMM_DEBUG_GDB_SESSION_PRIVATE_H

#include "vmm/debug/gdb/packet.h"
#include "vmm/debug/gdb/scan.h"
#include "vmm/debug/gdb/session.h"

enum { GDB_SIGINT = 2, GDB_SIGTRAP = 5 };

/* What a vCPU was told when the guest went on last; a range is stepped through here. */
struct gdb_range {
	uint64_t start, end; /* addresses from the first to before the second; equal: none */
};

struct gdb_session {
	struct debug *target;
	struct gdb_link link;
	bool active;
	bool standing;    /* the guest, as the debugger knows it */
	bool interrupted; /* it wants the running guest to stop */
	bool arriving;    /* the debugger has come and the guest does not stand yet */
	bool held;        /* a packet waits for that */
	bool exited;
	bool no_acks;
	const char *limits;                  /* of the target; NULL: not asked for yet */
	bool told_limits;                    /* to this debugger */
	bool knows_software, knows_hardware; /* reasons of a stop that the debugger can read */
	int exit_status, exit_signal;
	bool stopped; /* `stop` says why the guest stands */
	struct gdb_stop stop;
	unsigned int general;  /* the vCPU whose registers and memory are meant */
	int64_t resume_thread; /* as `Hc` gave it */
	unsigned int cpus;     /* of the two arrays */
	enum gdb_action *actions;
	struct gdb_range *ranges;
	struct gdb_parser parser;
	bool silent; /* the command is not answered now */
	struct gdb_reply reply;
	size_t frame_size;
	uint8_t frame[GDB_FRAME_MAX]; /* the last that was sent */
};

/*
 * Commands: @scan is what follows the packet's name. They fill the session's reply, which is empty
 * before, or set `silent`.
 */
typedef void gdb_command(struct gdb_session *session, struct gdb_scan *scan);

/* data.c: registers, memory, and points. */
gdb_command gdb_command_read_registers, gdb_command_write_registers;
gdb_command gdb_command_read_register, gdb_command_write_register;
gdb_command gdb_command_read_memory, gdb_command_write_memory, gdb_command_write_binary;
gdb_command gdb_command_insert_point, gdb_command_remove_point;

/* resume.c: what makes the guest go on. */
gdb_command gdb_command_continue, gdb_command_continue_signal;
gdb_command gdb_command_step, gdb_command_step_signal;
gdb_command gdb_command_resume, gdb_command_resume_actions;

/* query.c: questions about threads, features and documents. */
gdb_command gdb_command_supported, gdb_command_stop_acks;
gdb_command gdb_command_description, gdb_command_threads;
gdb_command gdb_command_first_threads, gdb_command_last_threads;
gdb_command gdb_command_thread_name, gdb_command_current_thread;
gdb_command gdb_command_select_thread, gdb_command_thread_alive;
gdb_command gdb_command_attached, gdb_command_symbol, gdb_command_monitor;

/*
 * After a stop within a range that is stepped through, makes the guest go on as before; false when
 * the debugger has to hear of the stop.
 */
bool gdb_session_range_goes_on(struct gdb_session *session, const struct gdb_stop *stop);

/* Sends the reply that is made now, and clears it. */
void gdb_session_send(struct gdb_session *session);

/* Sends text as the guest's output would be; only while it runs or `monitor` is answered. */
void gdb_session_say(struct gdb_session *session, const char *text, size_t size);

#endif
