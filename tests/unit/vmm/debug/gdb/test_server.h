/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the gdb server share: the loop, a fake machine, debuggers that connect. */

#ifndef FERRY_TESTS_UNIT_VMM_DEBUG_GDB_TEST_SERVER_H
#define FERRY_TESTS_UNIT_VMM_DEBUG_GDB_TEST_SERVER_H

#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/support/fake_gdb.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/scratch.h"
#include "vmm/base/fd.h"
#include "vmm/debug/gdb/gdb.h"

static struct debug fake;
static struct loop *loop;
static struct gdb *gdb;
static struct err err;
static int tick = -1; /* ends a turn of the loop */
static int timer = -1;
static char folder[32], path[64], unix_address[80], name[128];

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

/* The loop turns until @condition, which what a pseudo-terminal delivers late may make true. */
#define await(condition)                                                                           \
	do {                                                                                       \
		for (int waits = 0; !(condition) && waits < 30000; waits++) {                      \
			turn();                                                                    \
			poll(NULL, 0, 1);                                                          \
		}                                                                                  \
		ck_assert(condition);                                                              \
	} while (0)

static inline void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/ferry-gdb-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(unix_address, sizeof(unix_address), "unix:%s", path);
	memset(&fake, 0, sizeof(fake));
	loop = loop_create(&err);
	ck_assert_ptr_nonnull(loop);
	tick = fd_eventfd();
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	ck_assert_int_eq(loop_add(loop, tick, EPOLLIN, end_turn, NULL, &err), 0);
}

static inline void tear_down(void)
{
	ck_assert_uint_eq(fake.breaches, 0);
	gdb_destroy(gdb);
	gdb = NULL;
	loop_destroy(loop);
	fd_close(&tick);
	fd_close(&timer);
	scratch_remove(folder);
}

static inline struct gdb *create(const char *address)
{
	return gdb_create(address, loop, &fake, &err);
}

/* Listens, and keeps the name that the user is told. */
static inline void listen_at(const char *address)
{
	static const char told[] = "ferry: in gdb: target remote ";
	const char *at;

	hear();
	gdb = create(address);
	at = strstr(heard(), told);
	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(sscanf(at + strlen(told), "%127s", name), 1);
	ck_assert_msg(gdb, "%s", err.text);
	turn();
}

static inline void refused(const char *address, int code, const char *text)
{
	memset(&err, 0, sizeof(err));
	ck_assert_ptr_null(create(address));
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.text, text), "%s", err.text);
}

static inline int connect_tcp(void)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	unsigned int port;
	bool four = sscanf(name, "127.0.0.1:%u", &port) == 1;
	int fd = socket(four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(four || sscanf(name, "[::1]:%u", &port) == 1);
	v4.sin_port = v6.sin6_port = htons((in_port_t)port);
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v6.sin6_addr = in6addr_loopback;
	ck_assert_int_eq(four ? connect(fd, (struct sockaddr *)&v4, sizeof(v4))
			      : connect(fd, (struct sockaddr *)&v6, sizeof(v6)),
			 0);
	return fd;
}

static inline int connect_unix(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* A debugger of the kind that was last listened for. */
static inline int come(void)
{
	int fd;

	if (strncmp(name, "/dev/pts/", 9) == 0)
		fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	else
		fd = *name == '/' ? connect_unix() : connect_tcp();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	turn();
	return fd;
}

static inline void type(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	turn();
}

/* Exactly @text comes. */
static inline void reads(int fd, const char *text)
{
	size_t size = strlen(text), count = 0;
	char bytes[256];

	for (int waits = 0; count < size && waits < 5000; waits++) {
		ssize_t n = read(fd, bytes + count, size - count);

		count += n > 0 ? (size_t)n : 0;
		if (n <= 0) {
			turn();
			poll(NULL, 0, 1);
		}
	}
	bytes[count] = '\0';
	ck_assert_str_eq(bytes, text);
}

static inline void ends(int fd)
{
	char byte;

	await(read(fd, &byte, 1) == 0);
}

static inline void halts(void)
{
	struct gdb_stop stop;

	await(fake.halting);
	stop = fake_gdb_stop(&fake, GDB_STOP_SIGNAL, 0, 2);
	gdb_stopped(gdb, &stop);
}

static inline void end_turn_late(void *unused, uint32_t events)
{
	(void)unused;
	(void)events;
	loop_remove(loop, timer);
	loop_stop(loop);
}

/* The loop sleeps while nothing happens. */
static inline void quiet(void)
{
	const struct itimerspec soon = {.it_value.tv_nsec = 40 * 1000 * 1000};
	struct timespec before, after;

	turn();
	ck_assert_int_eq(loop_add(loop, timer, EPOLLIN, end_turn_late, NULL, &err), 0);
	timerfd_settime(timer, 0, &soon, NULL);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
	ck_assert_int_lt((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec -
				 before.tv_nsec,
			 30 * 1000 * 1000);
}

static inline bool has_v6(void)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&v6, sizeof(v6)) == 0;

	fd_close(&fd);
	return has;
}

/* By number of a loop test. */
static const char *const addresses[] = {"0", "localhost:0", "[::1]:0", "unix", "pty"};
enum { ADDRESSES = 5 };

static inline bool listen_number(int number)
{
	if (*addresses[number] == '[' && !has_v6()) {
		printf("skip: no IPv6 here\n");
		return false;
	}
	listen_at(strcmp(addresses[number], "unix") == 0 ? unix_address : addresses[number]);
	return true;
}

#endif
