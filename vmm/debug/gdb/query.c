/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions of the debugger: features, documents, threads, and the user's own to the monitor. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/debug/gdb/session_private.h"

enum { ANNEX_MAX = 64 };

static void query_command_supported(struct gdb_session *session, struct gdb_scan *scan)
{
	gdb_scan_word(scan, ":");
	while (!gdb_scan_end(scan)) {
		if (gdb_scan_word(scan, "swbreak+;") ||
		    (scan->left == strlen("swbreak+") && gdb_scan_word(scan, "swbreak+")))
			session->debugger.knows_software = true;
		else if (gdb_scan_word(scan, "hwbreak+;") ||
			 (scan->left == strlen("hwbreak+") && gdb_scan_word(scan, "hwbreak+")))
			session->debugger.knows_hardware = true;
		else
			gdb_scan_past(scan, ';');
	}
	gdb_reply_text(&session->reply,
		       "PacketSize=%x;qXfer:features:read+;qXfer:threads:read+;QStartNoAckMode+;"
		       "vContSupported+;swbreak+;hwbreak+;multiprocess-",
		       GDB_PACKET_MAX);
}

static void query_command_stop_acks(struct gdb_session *session, struct gdb_scan *scan)
{
	(void)scan;
	session->debugger.no_acks = true;
	gdb_reply_text(&session->reply, "OK");
}

/* As much of @document as was asked for and fits. */
static void query_reply_document(struct gdb_session *session, struct gdb_scan *scan,
				 const char *document, size_t size)
{
	struct gdb_reply *reply = &session->reply;
	uint64_t offset, length;
	size_t part, taken;

	if (!gdb_scan_pair(scan, ',', &offset, &length) || !gdb_scan_end(scan) || offset > size) {
		gdb_reply_error(reply, -EINVAL);
		return;
	}
	part = size - (size_t)offset;
	if (part > length)
		part = (size_t)length;
	gdb_reply_text(reply, "m");
	taken = gdb_reply_binary(reply, document + offset, part);
	if (offset + taken == size)
		reply->bytes[0] = 'l';
}

static void query_command_description(struct gdb_session *session, struct gdb_scan *scan)
{
	char annex[ANNEX_MAX];
	size_t size = 0;
	const char *document;

	while (size < scan->left && size < sizeof(annex) - 1 && scan->at[size] != ':') {
		annex[size] = (char)scan->at[size];
		size++;
	}
	annex[size] = '\0';
	gdb_scan_word(scan, annex);
	if (strlen(annex) != size || !gdb_scan_word(scan, ":")) {
		gdb_reply_error(&session->reply, -EINVAL);
		return;
	}
	document = gdb_target_description(session->target, annex);
	if (document)
		query_reply_document(session, scan, document, strlen(document));
	else
		gdb_reply_error(&session->reply, 0); /* as the protocol has it: no such annex */
}

static void query_command_threads(struct gdb_session *session, struct gdb_scan *scan)
{
	unsigned int cpus = gdb_target_cpus(session->target);
	char *document = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&document, &size);

	if (out) {
		fprintf(out, "<?xml version=\"1.0\"?>\n<threads>\n");
		for (unsigned int i = 0; i < cpus; i++)
			fprintf(out, "<thread id=\"%x\" name=\"vCPU %u\"/>\n", i + 1, i);
		fprintf(out, "</threads>\n");
	}
	if (out && fclose(out) == 0)
		query_reply_document(session, scan, document, size);
	else
		gdb_reply_error(&session->reply, -ENOMEM);
	free(document);
}

static void query_command_first_threads(struct gdb_session *session, struct gdb_scan *scan)
{
	unsigned int cpus = gdb_target_cpus(session->target);

	(void)scan;
	for (unsigned int i = 0; i < cpus; i++)
		gdb_reply_text(&session->reply, "%c%x", i ? ',' : 'm', i + 1);
}

static void query_command_last_threads(struct gdb_session *session, struct gdb_scan *scan)
{
	(void)scan;
	gdb_reply_text(&session->reply, "l");
}

/* The rest of the packet is the number of one thread or, where @thread tells, any or all. */
static bool query_scan_last_thread(struct gdb_session *session, struct gdb_scan *scan,
				   int64_t *thread)
{
	return gdb_scan_thread(scan, thread) && gdb_scan_end(scan) &&
	       *thread <= (int64_t)gdb_target_cpus(session->target);
}

static void query_command_thread_name(struct gdb_session *session, struct gdb_scan *scan)
{
	char name[32];
	int64_t thread;

	if (!query_scan_last_thread(session, scan, &thread) || thread <= 0) {
		gdb_reply_error(&session->reply, -EINVAL);
		return;
	}
	snprintf(name, sizeof(name), "vCPU %u", (unsigned int)(thread - 1));
	gdb_reply_hex(&session->reply, name, strlen(name));
}

static void query_command_current_thread(struct gdb_session *session, struct gdb_scan *scan)
{
	(void)scan;
	gdb_reply_text(&session->reply, "QC%x", session->general + 1);
}

static void query_command_select_thread(struct gdb_session *session, struct gdb_scan *scan)
{
	bool general = gdb_scan_word(scan, "g");
	int64_t thread;

	if ((!general && !gdb_scan_word(scan, "c")) ||
	    !query_scan_last_thread(session, scan, &thread)) {
		gdb_reply_error(&session->reply, -EINVAL);
		return;
	}
	if (!general)
		session->debugger.resume_thread = thread;
	else if (thread > 0)
		session->general = (unsigned int)(thread - 1);
	gdb_reply_text(&session->reply, "OK");
}

static void query_command_thread_alive(struct gdb_session *session, struct gdb_scan *scan)
{
	int64_t thread;

	if (query_scan_last_thread(session, scan, &thread) && thread > 0)
		gdb_reply_text(&session->reply, "OK");
	else
		gdb_reply_error(&session->reply, -EINVAL);
}

/* The guest was there before: gdb detaches from it when it quits, and does not kill. */
static void query_command_attached(struct gdb_session *session, struct gdb_scan *scan)
{
	(void)scan;
	gdb_reply_text(&session->reply, "1");
}

static void query_command_symbol(struct gdb_session *session, struct gdb_scan *scan)
{
	(void)scan;
	gdb_reply_text(&session->reply, "OK");
}

static int query_monitor(struct gdb_session *session, const char *line)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	gdb_target_monitor(session->target, session->general, line, out);
	if (fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	gdb_session_say(session, text, size);
	free(text);
	return 0;
}

static void query_command_monitor(struct gdb_session *session, struct gdb_scan *scan)
{
	char line[GDB_PACKET_MAX / 2 + 1];
	size_t size = scan->left / 2;
	int rc = -EINVAL;

	if (gdb_scan_bytes(scan, (uint8_t *)line, size) && gdb_scan_end(scan)) {
		line[size] = '\0';
		if (strlen(line) == size)
			rc = session->state == GDB_OVER ? -ESRCH : query_monitor(session, line);
	}
	if (rc)
		gdb_reply_error(&session->reply, rc);
	else
		gdb_reply_text(&session->reply, "OK");
}

const struct gdb_command gdb_query_commands[] = {
	{"H", GDB_WHILE_STANDING, query_command_select_thread},
	{"T", GDB_WHILE_STANDING, query_command_thread_alive},
	{"qSupported", GDB_ALWAYS, query_command_supported},
	{"QStartNoAckMode", GDB_WHOLE, query_command_stop_acks},
	{"qXfer:features:read:", GDB_WHILE_STANDING, query_command_description},
	{"qXfer:threads:read::", GDB_WHILE_STANDING, query_command_threads},
	{"qfThreadInfo", GDB_WHILE_STANDING | GDB_WHOLE, query_command_first_threads},
	{"qsThreadInfo", GDB_WHILE_STANDING | GDB_WHOLE, query_command_last_threads},
	{"qThreadExtraInfo,", GDB_WHILE_STANDING, query_command_thread_name},
	{"qC", GDB_WHILE_STANDING | GDB_WHOLE, query_command_current_thread},
	{"qAttached", GDB_ALWAYS, query_command_attached},
	{"qSymbol:", GDB_ALWAYS, query_command_symbol},
	{"qRcmd,", GDB_ALWAYS, query_command_monitor},
	{NULL, 0, NULL},
};
