/* SPDX-License-Identifier: BSD-3-Clause */
/* A reader who may be slow, of three kinds, and a loop that the test turns by hand. */

#ifndef FERRY_TESTS_UNIT_VMM_BASE_TEST_READER_H
#define FERRY_TESTS_UNIT_VMM_BASE_TEST_READER_H

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/loop.h"

static int ends[2];           /* read, write */
static char text[512 * 1024]; /* what was read */
static size_t used;
static struct err err;

static inline double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Everything there is to read now, behind what was read before. */
static inline void read_all(void)
{
	struct pollfd ready = {.fd = ends[0], .events = POLLIN};

	while (poll(&ready, 1, 50) == 1 && used < sizeof(text) - 1) {
		ssize_t n = read(ends[0], text + used, sizeof(text) - 1 - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
}

static inline void open_pty(void)
{
	ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert(ends[0] >= 0 && grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0);
	ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(ends[1], 0);
}

enum { PIPE, SOCKET, PTY, KINDS };

static inline void open_kind(int kind)
{
	if (kind == PIPE)
		ck_assert_int_eq(pipe(ends), 0);
	else if (kind == SOCKET)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	else
		open_pty();
}

static inline void close_ends(void)
{
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

static struct loop *loop;
static int tick = -1;

static inline void end_turn(void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	fd_take(tick);
	loop_stop(loop);
}

static inline void turn(void)
{
	fd_signal(tick);
	ck_assert_int_eq(loop_run(loop, &err), 0);
}

#endif
