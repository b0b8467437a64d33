/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A client of the control socket that sends anything, whole requests and broken ones, and passes
 * descriptors along.
 */

#include <fcntl.h>
#include <jansson.h>

#include "tests/fuzz/input.h"
#include "tests/unit/support/fake_control.h"
#include "vmm/control/frame.h"
#include "vmm/control/session.h"

enum { STEPS_MAX = 256 };

/* Pieces of requests, so that an input need not spell them. */
static const char *const pieces[] = {
	"{",
	"}",
	"[",
	"]",
	"\"",
	"\\",
	":",
	",",
	"\n",
	"1e400",
	"99999999999999999999",
	"null",
	"\"execute\":",
	"\"arguments\":",
	"\"id\":",
	"\"enable\":",
	"\"command-line\":\"pci\"",
	"\"cpu-index\":",
	"{\"execute\":\"qmp_capabilities\"}",
	"{\"execute\":\"query-commands\"}",
	"{\"execute\":\"query-pci\"}",
	"{\"execute\":\"x-ferry-status\"}",
	"{\"execute\":\"stop\",\"id\":",
	"{\"execute\":\"cont\",\"arguments\":{",
	"{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"",
	"{\"execute\":\"quit\"}",
	"{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"a\"}}",
	"{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"b\"}}",
	"{\"execute\":\"getfd\",\"arguments\":{\"fdname\":",
	"{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"a\"}}",
	"{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vfio-pci\",",
	"\"host\":\"01:00.0\"",
	"\"fd\":\"a\"",
	"\"iommufd\":\"b\"",
	"\"group-fd\":\"b\"",
	"\"mmap\":\"off:",
	"\"id\":\"nic\"",
	"}}",
	"{\"execute\":\"device_del\",\"arguments\":{\"id\":\"",
	"\"timeout\":",
};

/* Behind the pieces and bytes. */
enum step { STEP_ADD_ENDS = 250, STEP_AT_ONCE, STEP_FLAW, STEP_DESCRIPTOR, STEP_BUSY, STEP_LONG };

static struct input input;
static struct control_session *session;
static bool parted, was_long;
static unsigned int answers, passed;

/* Whatever is said is a whole line of JSON in ASCII: a greeting, an answer or a refusal. */
static void link_send(void *owner, const char *text, size_t size)
{
	json_t *said, *error;

	(void)owner;
	require(session);
	require(text && size > 2 && text[size - 1] == '\n' && !parted);
	for (size_t i = 0; i < size - 2; i++)
		require(text[i] >= ' ' && text[i] <= '~');
	said = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	require(json_is_object(said));
	error = json_object_get(said, "error");
	require(json_object_get(said, "QMP") || json_object_get(said, "return") ||
		(json_is_string(json_object_get(error, "class")) &&
		 json_string_length(json_object_get(error, "desc")) > 0));
	json_decref(said);
	answers++;
}

static void link_part(void *owner)
{
	(void)owner;
	require(!parted);
	parted = true;
}

static void link_go_on(void *owner)
{
	(void)owner;
	require(session && !control_session_waits(session));
}

/* Nothing is taken behind its end, nor while a request of it is carried out. */
static bool takes(void)
{
	return !parted && !control_session_waits(session);
}

static void feed(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size && takes(); i++) {
		unsigned int before = answers;

		control_session_take(session, bytes[i]);
		require(answers - before <= 1);
	}
}

/* What was read next brought one, several, or one that is lost; or none. */
static void send_descriptor(void)
{
	enum control_arrival arrival = take8(&input) % (CONTROL_CAME_LOST + 1);
	bool there = arrival == CONTROL_CAME_ONE || arrival == CONTROL_CAME_SEVERAL;

	if (takes())
		control_session_bring(session, there ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1,
				      arrival);
}

/* One byte over and over, past what a request may have. */
static void send_long(void)
{
	char byte = (char)take8(&input);

	if (was_long)
		return;
	was_long = true;
	for (unsigned int i = 0; i < CONTROL_FRAME_MAX + 8 && takes(); i++)
		control_session_take(session, byte);
}

static void step(void)
{
	uint8_t what = take8(&input);
	char bytes[UINT8_MAX];
	size_t size;

	switch (what) {
	case STEP_ADD_ENDS:
		fake_add_ends();
		return;
	case STEP_AT_ONCE:
		fake_machine.at_once = !fake_machine.at_once;
		return;
	case STEP_FLAW:
		fake_machine.flaw = fake_machine.flaw ? NULL : "no\nslot";
		return;
	case STEP_DESCRIPTOR:
		send_descriptor();
		return;
	case STEP_BUSY:
		fake_machine.busy = !fake_machine.busy;
		return;
	case STEP_LONG:
		send_long();
		return;
	}
	if (what < ARRAY_SIZE(pieces)) {
		feed(pieces[what], strlen(pieces[what]));
		return;
	}
	size = take8(&input) % 64;
	take(&input, bytes, size);
	feed(bytes, size);
}

/* The lowest number that is free: the same again when nothing was left open. */
static int free_descriptor(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct control_link link = {
		.send = link_send,
		.part = link_part,
		.go_on = link_go_on,
		.passed = &passed,
	};
	int lowest = free_descriptor();

	input = (struct input){.bytes = data, .left = size};
	fake_machine_reset();
	fake_machine.answer = "a line\n\x1b\xff\n";
	fake_devices = 2;
	parted = was_long = false;
	session = control_session_create(&fake_target, &link);
	require(session);
	control_session_begin(session);
	for (unsigned int i = 0; i < STEPS_MAX && input.left > 0 && !parted; i++)
		step();
	control_session_destroy(session);
	session = NULL;
	fake_add_ends();
	require(passed == 0 && free_descriptor() == lowest);
	return 0;
}
