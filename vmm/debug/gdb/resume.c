/* SPDX-License-Identifier: BSD-3-Clause */
/* What makes the guest go on: vCont, its older forms, and stepping through a range of addresses. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/base/bits.h"
#include "vmm/debug/gdb/session_private.h"

static bool resume_pc(struct gdb_session *session, unsigned int cpu, uint64_t *pc)
{
	unsigned int number = gdb_target_pc_register(session->target);
	size_t size = gdb_target_register_size(session->target, number);
	uint8_t bytes[sizeof(*pc)];

	if (size == 0 || size > sizeof(bytes) ||
	    gdb_target_register_read(session->target, cpu, number, bytes))
		return false;
	*pc = load_le(bytes, (unsigned int)size);
	return true;
}

/* Every vCPU held, with nothing to step through. */
static bool resume_actions_begin(struct gdb_session *session)
{
	unsigned int cpus = gdb_target_cpus(session->target);

	if (cpus != session->cpus) {
		free(session->actions);
		free(session->ranges);
		session->cpus = 0;
		session->actions = calloc(cpus, sizeof(*session->actions));
		session->ranges = calloc(cpus, sizeof(*session->ranges));
		if (!session->actions || !session->ranges)
			return false;
		session->cpus = cpus;
	}
	for (unsigned int i = 0; i < cpus; i++) {
		session->actions[i] = GDB_HOLD;
		session->ranges[i] = (struct gdb_range){0};
	}
	return true;
}

/* Gives @thread, -1 for all, what it has not been given yet; false: there is no such thread. */
static bool resume_actions_give(struct gdb_session *session, int64_t thread, enum gdb_action action,
				struct gdb_range range)
{
	if (thread < -1 || thread > (int64_t)session->cpus)
		return false;
	if (thread == 0)
		thread = (int64_t)session->general + 1;
	for (unsigned int i = 0; i < session->cpus; i++) {
		if (session->actions[i] != GDB_HOLD || (thread != -1 && thread != (int64_t)i + 1))
			continue;
		session->actions[i] = action;
		session->ranges[i] = range;
	}
	return true;
}

/* Only now, when the guest runs, may the debugger be told what it did not ask for. */
static void resume_tell_limits(struct gdb_session *session)
{
	char *text;
	int size;

	if (session->debugger.told_limits || !*session->limits)
		return;
	session->debugger.told_limits = true;
	size = asprintf(&text, "ferry: %s\n", session->limits);
	if (size < 0)
		return;
	gdb_session_say(session, text, (size_t)size);
	free(text);
}

static void resume_go(struct gdb_session *session)
{
	int rc = gdb_target_resume(session->target, session->actions);

	if (rc == -EOPNOTSUPP)
		gdb_reply_sentence(&session->reply, "this host cannot step single instructions");
	else if (rc)
		gdb_reply_error(&session->reply, rc);
	if (rc)
		return;
	session->state = GDB_RUNNING;
	session->stopped = false;
	session->silent = true;
	resume_tell_limits(session);
}

bool gdb_session_range_goes_on(struct gdb_session *session, const struct gdb_stop *stop)
{
	const struct gdb_range *range;
	uint64_t pc;

	if (stop->reason != GDB_STOP_SIGNAL || stop->signal != GDB_SIGTRAP ||
	    stop->cpu >= session->cpus)
		return false;
	range = &session->ranges[stop->cpu];
	return range->start != range->end && resume_pc(session, stop->cpu, &pc) &&
	       pc >= range->start && pc < range->end &&
	       gdb_target_resume(session->target, session->actions) == 0;
}

static bool resume_scan_signal(struct gdb_scan *scan)
{
	uint8_t ignored;

	return gdb_scan_bytes(scan, &ignored, 1);
}

/* Goes on at @pc, as the older packets may ask for. */
static int resume_jump(struct gdb_session *session, unsigned int cpu, uint64_t pc)
{
	unsigned int number = gdb_target_pc_register(session->target);
	size_t size = gdb_target_register_size(session->target, number);
	uint8_t bytes[sizeof(pc)];

	if (size == 0 || size > sizeof(bytes) || (size < sizeof(pc) && pc >> (8 * size)))
		return -EINVAL;
	store_le(bytes, (unsigned int)size, pc);
	return gdb_target_register_write(session->target, cpu, number, bytes);
}

/*
 * The vCPU that `Hc` chose goes on alone. When it chose none, the one that is looked at is stepped
 * while the others run.
 */
static void resume_go_old(struct gdb_session *session, enum gdb_action action,
			  struct gdb_scan *scan)
{
	const struct gdb_range none = {0};
	int64_t thread = session->debugger.resume_thread;
	unsigned int cpu = thread > 0 ? (unsigned int)thread - 1 : session->general;
	uint64_t pc;
	int rc = 0;

	if (!resume_actions_begin(session)) {
		gdb_reply_error(&session->reply, -ENOMEM);
		return;
	}
	if (gdb_scan_number(scan, &pc))
		rc = gdb_scan_end(scan) ? resume_jump(session, cpu, pc) : -EINVAL;
	else if (!gdb_scan_end(scan))
		rc = -EINVAL;
	if (rc == 0 && !resume_actions_give(session, (int64_t)cpu + 1, action, none))
		rc = -EINVAL;
	if (rc) {
		gdb_reply_error(&session->reply, rc);
		return;
	}
	if (thread <= 0)
		resume_actions_give(session, -1, GDB_CONTINUE, none);
	resume_go(session);
}

static void resume_command_continue(struct gdb_session *session, struct gdb_scan *scan)
{
	resume_go_old(session, GDB_CONTINUE, scan);
}

static void resume_command_step(struct gdb_session *session, struct gdb_scan *scan)
{
	resume_go_old(session, GDB_STEP, scan);
}

/* A machine has no signals to be given: the number goes unused. */
static void resume_go_signal(struct gdb_session *session, enum gdb_action action,
			     struct gdb_scan *scan)
{
	if (resume_scan_signal(scan) && (gdb_scan_end(scan) || gdb_scan_word(scan, ";")))
		resume_go_old(session, action, scan);
	else
		gdb_reply_error(&session->reply, -EINVAL);
}

static void resume_command_continue_signal(struct gdb_session *session, struct gdb_scan *scan)
{
	resume_go_signal(session, GDB_CONTINUE, scan);
}

static void resume_command_step_signal(struct gdb_session *session, struct gdb_scan *scan)
{
	resume_go_signal(session, GDB_STEP, scan);
}

/* One action of vCont with its thread. */
static bool resume_scan_action(struct gdb_session *session, struct gdb_scan *scan)
{
	struct gdb_range range = {0};
	enum gdb_action action = GDB_STEP;
	int64_t thread = -1;

	if (gdb_scan_word(scan, "c") || (gdb_scan_word(scan, "C") && resume_scan_signal(scan)))
		action = GDB_CONTINUE;
	else if (gdb_scan_word(scan, "r")) {
		if (!gdb_scan_pair(scan, ',', &range.start, &range.end) || range.end < range.start)
			return false;
	} else if (!gdb_scan_word(scan, "s") &&
		   !(gdb_scan_word(scan, "S") && resume_scan_signal(scan)))
		return false;
	if (gdb_scan_word(scan, ":") && !gdb_scan_thread(scan, &thread))
		return false;
	return resume_actions_give(session, thread, action, range);
}

static void resume_command_resume(struct gdb_session *session, struct gdb_scan *scan)
{
	if (!resume_actions_begin(session)) {
		gdb_reply_error(&session->reply, -ENOMEM);
		return;
	}
	do {
		if (!resume_scan_action(session, scan)) {
			gdb_reply_error(&session->reply, -EINVAL);
			return;
		}
	} while (gdb_scan_word(scan, ";"));
	if (gdb_scan_end(scan))
		resume_go(session);
	else
		gdb_reply_error(&session->reply, -EINVAL);
}

static void resume_command_resume_actions(struct gdb_session *session, struct gdb_scan *scan)
{
	(void)scan;
	gdb_reply_text(&session->reply, "vCont;c;C;s;S;r");
}

const struct gdb_command gdb_resume_commands[] = {
	{"c", GDB_WHILE_STANDING, resume_command_continue},
	{"C", GDB_WHILE_STANDING, resume_command_continue_signal},
	{"s", GDB_WHILE_STANDING, resume_command_step},
	{"S", GDB_WHILE_STANDING, resume_command_step_signal},
	{"vCont?", GDB_WHOLE, resume_command_resume_actions},
	{"vCont;", GDB_WHILE_STANDING, resume_command_resume},
	{NULL, 0, NULL},
};
