/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the gdb session share: a debugger that sends packets to a fake machine. */

#ifndef FERRY_TESTS_UNIT_VMM_DEBUG_GDB_TEST_GDB_H
#define FERRY_TESTS_UNIT_VMM_DEBUG_GDB_TEST_GDB_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/fake_gdb.h"
#include "vmm/debug/gdb/packet.h"
#include "vmm/debug/gdb/session.h"

enum { SENT_MAX = 256 * 1024 };

static struct debug fake;
static struct gdb_session *session;
static struct gdb_parser parser;
static size_t sent_size;
static char
	sent[SENT_MAX + 1]; /* contents of the packets, and acknowledgements, each ended by '|' */
static unsigned int parts;

static inline void append(const void *bytes, size_t size)
{
	ck_assert_uint_le(sent_size + size, SENT_MAX);
	memcpy(sent + sent_size, bytes, size);
	sent_size += size;
	sent[sent_size] = '\0';
}

static inline void link_send(void *owner, const uint8_t *bytes, size_t size)
{
	(void)owner;
	for (size_t i = 0; i < size; i++) {
		switch (gdb_parser_take(&parser, bytes[i])) {
		case GDB_INPUT_MORE:
			continue;
		case GDB_INPUT_PACKET:
			append(parser.bytes, parser.size);
			break;
		case GDB_INPUT_ACK:
			append("+", 1);
			break;
		case GDB_INPUT_NAK:
			append("-", 1);
			break;
		default:
			ck_abort_msg("a bad frame was sent");
		}
		append("|", 1);
	}
}

static inline void link_part(void *owner)
{
	(void)owner;
	parts++;
}

static inline void feed(const void *bytes, size_t size)
{
	const uint8_t *from = bytes;

	for (size_t i = 0; i < size && gdb_session_ready(session); i++)
		gdb_session_take(session, from[i]);
}

/* Sends a packet with @size bytes, which are escaped here. */
static inline void say_bytes(const void *bytes, size_t size)
{
	static struct gdb_reply packet;
	static uint8_t frame[GDB_FRAME_MAX];

	gdb_reply_clear(&packet);
	ck_assert_uint_eq(gdb_reply_binary(&packet, bytes, size), size);
	feed(frame, gdb_reply_frame(&packet, frame));
}

static inline void say(const char *packet)
{
	say_bytes(packet, strlen(packet));
}

static inline void forget(void)
{
	sent_size = 0;
	sent[0] = '\0';
}

/* What was sent since the last time. */
static inline void hears(const char *text)
{
	ck_assert_str_eq(sent, text);
	forget();
}

static inline void answers(const char *packet, const char *answer)
{
	char text[1024];

	say(packet);
	snprintf(text, sizeof(text), "%s|", answer);
	hears(text);
}

static inline void stops(enum gdb_stop_reason reason, unsigned int cpu, int signal)
{
	struct gdb_stop stop = fake_gdb_stop(&fake, reason, cpu, signal);

	gdb_session_stopped(session, &stop);
}

static inline void stops_watch(enum gdb_point_kind kind, uint64_t address)
{
	struct gdb_stop stop = fake_gdb_stop(&fake, GDB_STOP_WATCH, 0, 5);

	stop.kind = kind;
	stop.address = address;
	gdb_session_stopped(session, &stop);
}

static inline void set_up(void)
{
	const struct gdb_link link = {.send = link_send, .part = link_part};
	struct err err = {0};

	session = gdb_session_create(&fake, &link, &err);
	ck_assert_ptr_nonnull(session);
	for (size_t i = 0; i < sizeof(fake.memory); i++)
		fake.memory[i] = (uint8_t)i;
	for (unsigned int i = 0; i < GDB_FAKE_CPUS; i++)
		fake_gdb_set_pc(&fake, i, GDB_FAKE_MEMORY + 0x100 * i);
}

static inline void tear_down(void)
{
	ck_assert_uint_eq(fake.breaches, 0);
	gdb_session_destroy(session);
}

/* A debugger that has come to a guest that stands, and wants no acknowledgements. */
static inline void attach(void)
{
	fake.stands = true;
	gdb_session_begin(session);
	say("qSupported:swbreak+;hwbreak+");
	say("QStartNoAckMode");
	ck_assert_ptr_nonnull(strstr(sent, "+|OK|"));
	forget();
}

#endif
