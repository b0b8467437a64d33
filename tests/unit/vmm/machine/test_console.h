/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the console share: the loop, the guest's port, and a session with a terminal.
 */

#ifndef FERRY_TESTS_UNIT_VMM_MACHINE_TEST_CONSOLE_H
#define FERRY_TESTS_UNIT_VMM_MACHINE_TEST_CONSOLE_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/machine/console.h"
#include "vmm/machine/terminal.h"

enum { TAKEN_MAX = 512 * 1024 };

static struct loop *loop;
static struct console *console;
static int given; /* descriptor */
static struct err err;
static int tick = -1; /* ends a turn of the loop */
static int keyboard[2], screen[2];

/* The guest's port: it takes @room bytes more. */
static struct {
	size_t room, count, offers;
	char bytes[TAKEN_MAX];
} port;

static char requests[16];

static inline size_t port_input(void *machine, const uint8_t *bytes, size_t count)
{
	size_t taken = count < port.room ? count : port.room;

	(void)machine;
	port.offers++;
	ck_assert_uint_le(port.count + taken, TAKEN_MAX);
	memcpy(port.bytes + port.count, bytes, taken);
	port.count += taken;
	port.room -= taken;
	return taken;
}

static inline void machine_request(void *machine, enum console_request request)
{
	static const char names[] = "xprc";

	(void)machine;
	ck_assert_uint_lt(strlen(requests), sizeof(requests) - 1);
	requests[strlen(requests)] = names[request];
}

static unsigned int wakes;

static inline void machine_wake(void *unused)
{
	(void)unused;
	wakes++;
}

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

static inline struct console *create(enum config_serial serial, const char *path)
{
	const struct console_owner owner = {.input = port_input,
					    .request = machine_request,
					    .wake = machine_wake};

	const struct console_place place = {.kind = serial,
					    .path = path,
					    .fd = given,
					    .port = "serial port",
					    .option = "--serial"};

	return console_create(&place, loop, &owner, &err);
}

static inline void start(enum config_serial serial)
{
	console = create(serial, NULL);
	ck_assert_msg(console, "%s", err.text);
	console_start(console);
	turn();
}

/* How much of @text was taken. */
static inline size_t output(const char *text)
{
	struct arch_console other = console_port(console);
	size_t taken = 0;

	while (text[taken] && other.output(other.console, (uint8_t)text[taken]))
		taken++;
	return taken;
}

static inline void port_has_room(size_t room)
{
	struct arch_console other = console_port(console);

	port.room = room;
	other.room(other.console);
	turn();
}

static inline void set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	loop = loop_create(&err);
	tick = fd_eventfd();
	ck_assert_int_eq(loop_add(loop, tick, EPOLLIN, end_turn, NULL, &err), 0);
	ck_assert_int_eq(pipe(keyboard), 0);
	ck_assert_int_eq(pipe(screen), 0);
	ck_assert_int_eq(dup2(keyboard[0], STDIN_FILENO), STDIN_FILENO);
	ck_assert_int_eq(dup2(screen[1], STDOUT_FILENO), STDOUT_FILENO);
	fd_close(&keyboard[0]);
	fd_close(&screen[1]);
	port.room = TAKEN_MAX;
}

static inline void tear_down(void)
{
	console_destroy(console);
	loop_remove(loop, tick);
	fd_close(&tick);
	loop_destroy(loop);
}

static inline void type(int fd, const char *bytes, size_t count)
{
	ck_assert_int_eq(write(fd, bytes, count), (ssize_t)count);
	usleep(20000); /* a pseudo-terminal hands it over in its own time */
	turn();
}

/* A pseudo-terminal hands on what was written to it in pieces of its own choice. */
static inline void reads(int fd, const char *text)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char bytes[512] = "";
	size_t count = 0;

	while (count < strlen(text)) {
		ssize_t piece;

		ck_assert_int_eq(poll(&ready, 1, 30000), 1);
		piece = read(fd, bytes + count, strlen(text) - count);
		ck_assert_int_gt(piece, 0);
		count += (size_t)piece;
	}
	ck_assert_str_eq(bytes, text);
}

/* At once, or when a pseudo-terminal of a busy machine has handed it on. */
static inline void took(const char *text)
{
	for (int waits = 0; port.count < strlen(text) && waits < 30000; waits++) {
		usleep(1000);
		turn();
	}
	ck_assert_uint_eq(port.count, strlen(text));
	ck_assert_mem_eq(port.bytes, text, port.count);
}

/* Likewise. */
static inline void requested(const char *text)
{
	for (int waits = 0; strlen(requests) < strlen(text) && waits < 10000; waits++) {
		usleep(1000);
		turn();
	}
	ck_assert_str_eq(requests, text);
}

/* Nothing is offered over and over while nothing happens. */
static inline void quiet(void)
{
	size_t offers = port.offers;

	turn();
	ck_assert_uint_eq(port.offers, offers);
}

static inline double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int master, slave;

/* Runs @scenario in a session whose terminal is standard input; how it ended. */
static inline int in_session(void (*scenario)(void))
{
	int status;
	pid_t child;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(master, 0);
	ck_assert(grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(slave, 0);
	child = fork();
	if (child == 0) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		dup2(slave, STDIN_FILENO);
		scenario();
		console_destroy(console);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

#endif
