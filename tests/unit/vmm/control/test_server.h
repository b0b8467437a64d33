/* SPDX-License-Identifier: BSD-3-Clause */
/* A control socket over a fake machine on a loop of its own, and clients of it. */

#ifndef FERRY_TESTS_UNIT_VMM_CONTROL_TEST_SERVER_H
#define FERRY_TESTS_UNIT_VMM_CONTROL_TEST_SERVER_H

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/support/fake_control.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/fd.h"
#include "vmm/base/local.h"
#include "vmm/control/control.h"

static struct loop *loop;
static struct control *control;
static struct err err;
static int tick = -1; /* ends a turn of the loop */
static char folder[32], address[80], line[64 * 1024];
static const char *path;

static inline void end_turn(void *unused, uint32_t events)
{
	(void)unused;
	(void)events;
	fd_take(tick);
	loop_stop(loop);
}

/* Everything that is ready is handled, a few times over. */
static inline void turn(void)
{
	for (int i = 0; i < 4; i++) {
		fd_signal(tick);
		ck_assert_int_eq(loop_run(loop, &err), 0);
	}
}

static inline void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/ferry-control-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(address, sizeof(address), "unix:%s/socket", folder);
	path = address + 5;
	fake_machine_reset();
	loop = loop_create(&err);
	ck_assert_ptr_nonnull(loop);
	tick = fd_eventfd();
	ck_assert_int_eq(loop_add(loop, tick, EPOLLIN, end_turn, NULL, &err), 0);
	control = control_create(address, loop, &fake_target, &err);
	ck_assert_msg(control, "%s", err.text);
}

static inline void tear_down(void)
{
	control_destroy(control);
	loop_destroy(loop);
	fd_close(&tick);
	scratch_remove(folder);
}

static inline int come(void)
{
	struct sockaddr_un to;
	int fd;

	ck_assert_int_eq(local_address(path, &to, &err), 0);
	fd = local_connect(&to, SOCK_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	turn();
	return fd;
}

static inline void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	turn();
}

/* What has come, at most so much as `line` holds; "" at the end. */
static inline const char *hear_all(int fd)
{
	ssize_t n = recv(fd, line, sizeof(line) - 1, 0);

	line[n > 0 ? n : 0] = '\0';
	ck_assert(n >= 0 || errno == EAGAIN || errno == ECONNRESET);
	return n < 0 && errno == EAGAIN ? "(nothing)" : line;
}

static inline void hears(int fd, const char *part)
{
	hear_all(fd);
	ck_assert_msg(strstr(line, part), "no '%s' in: %s", part, line);
}

static inline int negotiated(void)
{
	int fd = come();

	hears(fd, "{\"QMP\": ");
	say(fd, "{\"execute\": \"qmp_capabilities\"}\n");
	ck_assert_str_eq(hear_all(fd), "{\"return\": {}}\r\n");
	return fd;
}

/* An event's line, without its time, which must be there. */
static inline void hears_event(int fd, const char *name, const char *data)
{
	json_t *event = json_loads(hear_all(fd), 0, NULL), *wanted;
	json_t *stamp = json_object_get(event, "timestamp");

	ck_assert_msg(event, "%s", line);
	ck_assert_str_eq(json_string_value(json_object_get(event, "event")), name);
	ck_assert_int_gt(json_integer_value(json_object_get(stamp, "seconds")), 1000000000);
	ck_assert_int_lt(json_integer_value(json_object_get(stamp, "microseconds")), 1000000);
	wanted = data ? json_loads(data, 0, NULL) : NULL;
	if (data)
		ck_assert_msg(json_equal(json_object_get(event, "data"), wanted), "%s", line);
	else
		ck_assert_ptr_null(json_object_get(event, "data"));
	json_decref(wanted);
	json_decref(event);
}

#endif
