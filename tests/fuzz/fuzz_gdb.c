/* SPDX-License-Identifier: BSD-3-Clause */
/* A debugger that sends anything to a guest that stops and ends at any time. */

#include <errno.h>

#include "tests/fuzz/input.h"
#include "tests/unit/support/fake_gdb.h"
#include "vmm/debug/gdb/packet.h"
#include "vmm/debug/gdb/session.h"

enum { STEPS_MAX = 256 };

/* What packets begin with, so that an input need not spell it. */
static const char *const names[] = {
	"",
	"?",
	"g",
	"G",
	"p",
	"P",
	"m1",
	"M1",
	"X1",
	"Z",
	"z",
	"c",
	"C05",
	"s",
	"S05",
	"vCont;",
	"vCont;r10000,1",
	"H",
	"T",
	"D",
	"k",
	"vKill;",
	"vCtrlC",
	"qSupported:",
	"QStartNoAckMode",
	"qXfer:features:read:core.xml:",
	"qXfer:features:read:",
	"qXfer:threads:read::",
	"qfThreadInfo",
	"qThreadExtraInfo,",
	"qC",
	"qRcmd,",
};

static struct input input;
static struct debug fake;
static struct gdb_session *session;
static struct gdb_parser heard;
static struct gdb_reply packet;
static uint8_t frame[GDB_FRAME_MAX];

/* Whatever is said is whole, and nothing is said to one that has left. */
static void link_send(void *owner, const uint8_t *bytes, size_t size)
{
	(void)owner;
	require(size > 0 && gdb_session_active(session));
	for (size_t i = 0; i < size; i++) {
		enum gdb_input what = gdb_parser_take(&heard, bytes[i]);

		require(what != GDB_INPUT_DAMAGED && what != GDB_INPUT_BAD &&
			what != GDB_INPUT_INTERRUPT);
		require(what == GDB_INPUT_MORE || i == size - 1);
	}
	require(heard.state == GDB_BETWEEN);
}

static void link_part(void *owner)
{
	(void)owner;
}

static void feed(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size && gdb_session_ready(session); i++)
		gdb_session_take(session, bytes[i]);
}

static void send_packet(void)
{
	const char *name = names[take8(&input) % ARRAY_SIZE(names)];
	uint8_t bytes[UINT8_MAX];
	size_t size = take8(&input);

	take(&input, bytes, size);
	gdb_reply_clear(&packet);
	gdb_reply_binary(&packet, name, strlen(name));
	gdb_reply_binary(&packet, bytes, size);
	feed(frame, gdb_reply_frame(&packet, frame));
}

static void send_bytes(void)
{
	uint8_t bytes[UINT8_MAX];
	size_t size = take8(&input);

	take(&input, bytes, size);
	feed(bytes, size);
}

/* One byte over and over, past what a packet may have. */
static void send_long(void)
{
	uint8_t byte = take8(&input);

	for (unsigned int i = 0; i < GDB_PACKET_MAX + 8; i++)
		feed(&byte, 1);
}

static void stop(void)
{
	struct gdb_stop stop = fake_gdb_stop(&fake, take8(&input) % (GDB_STOP_WATCH + 1),
					     take8(&input) % GDB_FAKE_CPUS, take8(&input));

	stop.kind = take8(&input) % (GDB_WATCH_ACCESS + 1);
	stop.address = take64(&input);
	gdb_session_stopped(session, &stop);
}

static void run(void)
{
	struct gdb_stop stop;

	for (unsigned int i = take8(&input); i > 0; i--) {
		if (fake_gdb_run(&fake, &stop))
			gdb_session_stopped(session, &stop);
	}
}

static void turn_bad(void)
{
	fake.resume_status = -(take8(&input) % 128);
	fake.point_status = -(take8(&input) % 128);
	fake.monitor_size = take16(&input);
}

static void end(void)
{
	gdb_session_end(session);
	require(!gdb_session_active(session));
	require(fake.kills > 0 || fake.point_count == 0);
}

static void step(void)
{
	switch (take8(&input) % 16) {
	case 0:
		send_bytes();
		break;
	case 1:
		send_long();
		break;
	case 2:
		stop();
		break;
	case 3:
	case 4:
		run();
		break;
	case 5:
		turn_bad();
		break;
	case 6:
		end();
		break;
	case 7:
		if (take8(&input) == 0)
			gdb_session_exited(session, take8(&input), take8(&input));
		break;
	default:
		if (!gdb_session_active(session))
			gdb_session_begin(session);
		send_packet();
	}
	require(fake.breaches == 0);
	require(!gdb_session_ready(session) || gdb_session_active(session));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct gdb_link link = {.send = link_send, .part = link_part};
	struct err err = {0};
	uint8_t options;

	input = (struct input){.bytes = data, .left = size};
	memset(&fake, 0, sizeof(fake));
	heard.state = GDB_BETWEEN;
	options = take8(&input);
	fake.stands = options & 1;
	fake.limits = options & 2 ? "something is not there" : "";
	session = gdb_session_create(&fake, &link, &err);
	require(session);
	for (unsigned int i = 0; i < STEPS_MAX && input.left > 0; i++)
		step();
	end();
	gdb_session_destroy(session);
	return 0;
}
