/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of a debugger's session: who has come, what may be asked now, how a stop is told. */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/debug/gdb/session_private.h"

/* The debugger has let the guest go. */
static bool session_runs(const struct gdb_session *session)
{
	return session->state == GDB_RUNNING || session->state == GDB_INTERRUPTED;
}

static bool session_arrives(const struct gdb_session *session)
{
	return session->state == GDB_ARRIVING || session->state == GDB_HOLDING;
}

static void session_send_frame(struct gdb_session *session)
{
	session->link.send(session->link.owner, session->frame, session->frame_size);
}

static void session_send(struct gdb_session *session)
{
	if (session->reply.overflow)
		gdb_reply_error(&session->reply, -E2BIG);
	session->frame_size = gdb_reply_frame(&session->reply, session->frame);
	session_send_frame(session);
	gdb_reply_clear(&session->reply);
}

void gdb_session_say(struct gdb_session *session, const char *text, size_t size)
{
	while (size > 0) {
		size_t part = size < (GDB_PACKET_MAX - 1) / 2 ? size : (GDB_PACKET_MAX - 1) / 2;

		gdb_reply_clear(&session->reply);
		gdb_reply_text(&session->reply, "O");
		gdb_reply_hex(&session->reply, text, part);
		session_send(session);
		text += part;
		size -= part;
	}
}

/* The debugger has nothing more to say to this guest. */
static void session_part(struct gdb_session *session)
{
	log_info("--gdb: the debugger has left");
	session->state = GDB_ALONE;
	session->silent = true;
	session->link.part(session->link.owner);
}

static void session_reply_exit(struct gdb_session *session)
{
	if (session->exit_signal)
		gdb_reply_text(&session->reply, "X%02x", (unsigned int)session->exit_signal & 0xff);
	else
		gdb_reply_text(&session->reply, "W%02x", (unsigned int)session->exit_status & 0xff);
}

static void session_reply_reason(struct gdb_session *session)
{
	static const char *const watches[] = {[GDB_WATCH_WRITE] = "watch",
					      [GDB_WATCH_READ] = "rwatch",
					      [GDB_WATCH_ACCESS] = "awatch"};
	const struct gdb_stop *stop = &session->stop;

	if (stop->reason == GDB_STOP_SOFTWARE && session->debugger.knows_software)
		gdb_reply_text(&session->reply, "swbreak:;");
	else if (stop->reason == GDB_STOP_HARDWARE && session->debugger.knows_hardware)
		gdb_reply_text(&session->reply, "hwbreak:;");
	else if (stop->reason == GDB_STOP_WATCH && stop->kind < ARRAY_SIZE(watches) &&
		 watches[stop->kind])
		gdb_reply_text(&session->reply, "%s:%" PRIx64 ";", watches[stop->kind],
			       stop->address);
}

static void session_reply_stop(struct gdb_session *session)
{
	unsigned int cpu = session->stop.cpu, number = gdb_target_pc_register(session->target);
	size_t size = gdb_target_register_size(session->target, number);
	uint8_t bytes[GDB_REGISTER_MAX];

	gdb_reply_text(&session->reply, "T%02xthread:%x;",
		       (unsigned int)session->stop.signal & 0xff, cpu + 1);
	session_reply_reason(session);
	if (size > 0 && size <= sizeof(bytes) &&
	    gdb_target_register_read(session->target, cpu, number, bytes) == 0) {
		gdb_reply_text(&session->reply, "%x:", number);
		gdb_reply_hex(&session->reply, bytes, size);
		gdb_reply_text(&session->reply, ";");
	}
}

static void session_command_reason(struct gdb_session *session, struct gdb_scan *scan)
{
	(void)scan;
	if (session->state == GDB_OVER)
		session_reply_exit(session);
	else if (session->state == GDB_STANDING)
		session_reply_stop(session);
	else
		gdb_reply_sentence(&session->reply, "the guest is running");
}

static void session_command_detach(struct gdb_session *session, struct gdb_scan *scan)
{
	(void)scan;
	gdb_reply_text(&session->reply, "OK");
	session_send(session);
	session->stopped = false;
	gdb_target_detach(session->target, session->state != GDB_OVER);
	session_part(session);
}

static void session_command_kill(struct gdb_session *session, struct gdb_scan *scan)
{
	(void)scan;
	if (session->state == GDB_OVER)
		gdb_target_detach(session->target, false);
	else
		gdb_target_kill(session->target);
	session_part(session);
}

static void session_command_kill_politely(struct gdb_session *session, struct gdb_scan *scan)
{
	gdb_reply_text(&session->reply, "OK");
	session_send(session);
	session_command_kill(session, scan);
}

void gdb_session_halt(struct gdb_session *session)
{
	if (session_runs(session))
		session->state = GDB_INTERRUPTED;
	gdb_target_halt(session->target);
}

static void session_interrupt(struct gdb_session *session)
{
	if (session_runs(session))
		gdb_session_halt(session);
}

static void session_command_interrupt(struct gdb_session *session, struct gdb_scan *scan)
{
	(void)scan;
	gdb_reply_text(&session->reply, "OK");
	session_send(session);
	session->silent = true;
	session_interrupt(session);
}

static const struct gdb_command session_commands[] = {
	{"?", GDB_WHOLE, session_command_reason},
	{"D", GDB_ALWAYS, session_command_detach},
	{"k", GDB_ALWAYS, session_command_kill},
	{"vKill;", GDB_ALWAYS, session_command_kill_politely},
	{"vCtrlC", GDB_WHOLE, session_command_interrupt},
	{NULL, 0, NULL},
};

/* Goes past the name of the command that the packet begins with; NULL: there is no such command. */
static const struct gdb_command *session_find_command(struct gdb_scan *scan)
{
	static const struct gdb_command *const tables[] = {session_commands, gdb_data_commands,
							   gdb_resume_commands, gdb_query_commands};
	const struct gdb_scan packet = *scan;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		for (const struct gdb_command *command = tables[i]; command->name; command++) {
			if (gdb_scan_word(scan, command->name) &&
			    (!(command->flags & GDB_WHOLE) || gdb_scan_end(scan)))
				return command;
			*scan = packet;
		}
	}
	return NULL;
}

static void session_packet(struct gdb_session *session)
{
	struct gdb_scan scan = {.at = session->parser.bytes, .left = session->parser.size};
	const struct gdb_command *command = session_find_command(&scan);
	bool stands_only = command && command->flags & GDB_WHILE_STANDING;

	session->silent = false;
	gdb_reply_clear(&session->reply);
	if (stands_only && session->state == GDB_OVER)
		gdb_reply_sentence(&session->reply, "the guest is no more");
	else if (stands_only && session->state != GDB_STANDING)
		gdb_reply_sentence(&session->reply, "the guest is running: interrupt it first");
	else if (command)
		command->run(session, &scan);
	if (!session->silent)
		session_send(session);
}

static void session_acknowledge(struct gdb_session *session, char how)
{
	const uint8_t byte = (uint8_t)how;

	if (!session->debugger.no_acks)
		session->link.send(session->link.owner, &byte, 1);
}

static void session_refuse(struct gdb_session *session, const char *why)
{
	gdb_reply_sentence(&session->reply, "%s", why);
	session_send(session);
}

/* Without acknowledgements there is no asking for it again. */
static void session_damaged(struct gdb_session *session)
{
	session_acknowledge(session, '-');
	if (session->debugger.no_acks)
		session_refuse(session, "the packet's checksum is wrong");
}

void gdb_session_take(struct gdb_session *session, uint8_t byte)
{
	switch (gdb_parser_take(&session->parser, byte)) {
	case GDB_INPUT_MORE:
	case GDB_INPUT_ACK:
		break;
	case GDB_INPUT_NAK:
		if (!session->debugger.no_acks && session->frame_size > 0)
			session_send_frame(session);
		break;
	case GDB_INPUT_INTERRUPT:
		session_interrupt(session);
		break;
	case GDB_INPUT_DAMAGED:
		session_damaged(session);
		break;
	case GDB_INPUT_BAD:
		session_acknowledge(session, '+');
		session_refuse(session, "the packet is too long, or cut off");
		break;
	case GDB_INPUT_PACKET:
		session_acknowledge(session, '+');
		if (session->state == GDB_ARRIVING)
			session->state = GDB_HOLDING;
		else
			session_packet(session);
	}
}

bool gdb_session_active(const struct gdb_session *session)
{
	return session->state != GDB_ALONE;
}

bool gdb_session_ready(const struct gdb_session *session)
{
	return session->state != GDB_ALONE && session->state != GDB_HOLDING;
}

/*
 * The guest that the debugger came to stands. It is told so by a trap, unless the guest crashed:
 * points were those of the debugger before, and an interrupt was not the user's.
 */
static void session_meet(struct gdb_session *session)
{
	struct gdb_stop *stop = &session->stop;
	bool holding = session->state == GDB_HOLDING;

	session->state = GDB_STANDING;
	if (!session->stopped || stop->reason != GDB_STOP_SIGNAL || stop->signal == GDB_SIGINT)
		stop->signal = GDB_SIGTRAP;
	stop->reason = GDB_STOP_SIGNAL;
	session->general = stop->cpu;
	if (!session->limits) {
		session->limits = gdb_target_limits(session->target);
		if (*session->limits)
			log_warn("--gdb: %s", session->limits);
	}
	if (holding)
		session_packet(session);
}

void gdb_session_begin(struct gdb_session *session)
{
	log_info("--gdb: a debugger is there");
	session->parser.state = GDB_BETWEEN;
	session->frame_size = 0;
	session->debugger = (struct gdb_debugger){0};
	session->state = session->exited ? GDB_OVER : GDB_ARRIVING;
	if (session->exited)
		return;
	if (gdb_target_stands(session->target))
		session_meet(session);
	else
		gdb_target_halt(session->target);
}

/* A guest that was still on its way to a halt goes on. */
void gdb_session_end(struct gdb_session *session)
{
	bool run = session->state != GDB_STANDING && session->state != GDB_OVER;

	if (session->state == GDB_ALONE)
		return;
	log_info("--gdb: the debugger is gone");
	session->state = GDB_ALONE;
	if (run)
		session->stopped = false;
	gdb_target_detach(session->target, run);
}

/* The debugger that let the guest go hears why it stands. */
static void session_tell_stop(struct gdb_session *session)
{
	struct gdb_stop *stop = &session->stop;

	/* A step may have ended at the same time. */
	if (session->state == GDB_INTERRUPTED && stop->reason == GDB_STOP_SIGNAL &&
	    stop->signal == GDB_SIGTRAP)
		stop->signal = GDB_SIGINT;
	session->state = GDB_STANDING;
	session->general = stop->cpu;
	gdb_reply_clear(&session->reply);
	session_reply_stop(session);
	session_send(session);
}

void gdb_session_stopped(struct gdb_session *session, const struct gdb_stop *stop)
{
	if (session->state == GDB_RUNNING && gdb_session_range_goes_on(session, stop))
		return;
	session->stop = *stop;
	session->stopped = true;
	if (session_arrives(session))
		session_meet(session);
	else if (session_runs(session))
		session_tell_stop(session);
}

void gdb_session_exited(struct gdb_session *session, int status, int signal)
{
	bool ran = session_runs(session), holding = session->state == GDB_HOLDING;

	if (session->exited)
		return;
	session->exited = true;
	session->exit_status = status;
	session->exit_signal = signal;
	if (session->state != GDB_ALONE)
		session->state = GDB_OVER;
	gdb_reply_clear(&session->reply);
	if (ran) {
		session_reply_exit(session);
		session_send(session);
	} else if (holding) {
		session_packet(session);
	}
}

struct gdb_session *gdb_session_create(struct debug *target, const struct gdb_link *link,
				       struct err *err)
{
	struct gdb_session *session = calloc(1, sizeof(*session));

	if (!session) {
		err_set(err, -ENOMEM, "--gdb: out of memory");
		return NULL;
	}
	session->target = target;
	session->link = *link;
	return session;
}

void gdb_session_destroy(struct gdb_session *session)
{
	if (!session)
		return;
	free(session->actions);
	free(session->ranges);
	free(session);
}
