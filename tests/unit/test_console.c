/* SPDX-License-Identifier: BSD-3-Clause */
/* The console over pipes, files, a pseudo-terminal and a controlling terminal of its own. */

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
#include "vmm/console.h"
#include "vmm/terminal.h"

enum { TAKEN_MAX = 32768 };

static struct loop *loop;
static struct console *console;
static struct config config;
static struct err err;
static int tick = -1; /* ends a turn of the loop */
static int keyboard[2], screen[2];

/* The guest's port: it takes @room bytes more. */
static struct {
	size_t room, count, offers;
	char bytes[TAKEN_MAX];
} port;

static char requests[16];

static size_t port_input(void *machine, const uint8_t *bytes, size_t count)
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

static void machine_request(void *machine, enum console_request request)
{
	static const char names[] = "xprc";

	(void)machine;
	ck_assert_uint_lt(strlen(requests), sizeof(requests) - 1);
	requests[strlen(requests)] = names[request];
}

static unsigned int wakes;

static void machine_wake(void *unused)
{
	(void)unused;
	wakes++;
}

static void end_turn(void *unused, uint32_t events)
{
	(void)unused;
	(void)events;
	fd_take(tick);
	loop_stop(loop);
}

/* Everything that is ready is handled, a few times over. */
static void turn(void)
{
	for (int i = 0; i < 4; i++) {
		fd_signal(tick);
		ck_assert_int_eq(loop_run(loop, &err), 0);
	}
}

static struct console *create(enum config_serial serial, const char *path)
{
	const struct console_owner owner = {.input = port_input,
					    .request = machine_request,
					    .wake = machine_wake};

	config.serial = serial;
	config.serial_path = path;
	return console_create(&config, loop, &owner, &err);
}

static void start(enum config_serial serial)
{
	console = create(serial, NULL);
	ck_assert_msg(console != NULL, "%s", err.text);
	console_start(console);
	turn();
}

/* How much of @text was taken. */
static size_t output(const char *text)
{
	struct arch_console other = console_port(console);
	size_t taken = 0;

	while (text[taken] && other.output(other.console, (uint8_t)text[taken]))
		taken++;
	return taken;
}

static void port_has_room(size_t room)
{
	struct arch_console other = console_port(console);

	port.room = room;
	other.room(other.console);
	turn();
}

static void set_up(void)
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

static void tear_down(void)
{
	console_destroy(console);
	loop_remove(loop, tick);
	fd_close(&tick);
	loop_destroy(loop);
}

static void type(int fd, const char *bytes, size_t count)
{
	ck_assert_int_eq(write(fd, bytes, count), (ssize_t)count);
	usleep(20000); /* a pseudo-terminal hands it over in its own time */
	turn();
}

/* A pseudo-terminal hands on what was written to it in pieces of its own choice. */
static void reads(int fd, const char *text)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char bytes[512] = "";
	size_t count = 0;

	while (count < strlen(text)) {
		ssize_t piece;

		ck_assert_int_eq(poll(&ready, 1, 5000), 1);
		piece = read(fd, bytes + count, strlen(text) - count);
		ck_assert_int_gt(piece, 0);
		count += (size_t)piece;
	}
	ck_assert_str_eq(bytes, text);
}

static void took(const char *text)
{
	ck_assert_uint_eq(port.count, strlen(text));
	ck_assert_mem_eq(port.bytes, text, port.count);
}

/* Nothing is offered over and over while nothing happens. */
static void quiet(void)
{
	size_t offers = port.offers;

	turn();
	ck_assert_uint_eq(port.offers, offers);
}

START_TEST(a_pipe_is_read_to_its_end)
{
	start(SERIAL_STDIO);
	type(keyboard[1], "hello \1x", 8);
	took("hello \1x"); /* no terminal, no escape key */
	ck_assert_str_eq(requests, "");
	quiet();
	fd_close(&keyboard[1]);
	turn();
	quiet();
	output("to the end");
	reads(screen[0], "to the end");
}
END_TEST

START_TEST(a_pipe_waits_for_the_port)
{
	static char text[20000];

	start(SERIAL_STDIO);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	port.room = 3;
	type(keyboard[1], text, sizeof(text));
	ck_assert_uint_eq(port.count, 3);
	for (int i = 0; i < 8; i++)
		turn(); /* until as much is kept as there is room for */
	quiet();
	fd_close(&keyboard[1]);
	while (port.count < sizeof(text)) {
		size_t before = port.count;

		port_has_room(160);
		ck_assert_uint_eq(port.count,
				  before + 160 > sizeof(text) ? sizeof(text) : before + 160);
	}
	ck_assert_mem_eq(port.bytes, text, sizeof(text));
	port_has_room(1);
	quiet();
}
END_TEST

START_TEST(a_file_is_read_to_its_end)
{
	static char text[10000];
	int fd = memfd_create("input", MFD_CLOEXEC);

	memset(text, 'f', sizeof(text));
	ck_assert_int_eq(pwrite(fd, text, sizeof(text), 0), sizeof(text));
	ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
	port.room = 16;
	start(SERIAL_STDIO);
	ck_assert_uint_eq(port.count, 16);
	port_has_room(TAKEN_MAX);
	ck_assert_uint_eq(port.count, sizeof(text));
	port_has_room(TAKEN_MAX);
	quiet();
}
END_TEST

START_TEST(nothing_to_read_is_no_work)
{
	static const char *const inputs[] = {"/dev/null", "/"};
	int fd = open(inputs[_i], O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
	start(SERIAL_STDIO);
	ck_assert_uint_eq(port.count, 0);
	quiet();
	console_destroy(console);
	start(SERIAL_NONE);
	output("nowhere");
	port_has_room(1);
	quiet();
}
END_TEST

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fill(int fd)
{
	static const char block[4096];
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, block, sizeof(block)) > 0)
		;
	fcntl(fd, F_SETFL, flags);
}

START_TEST(output_waits_for_its_reader)
{
	char block[4096];
	double begin = now();

	start(SERIAL_STDIO);
	fill(STDOUT_FILENO);
	ck_assert_uint_eq(output("x"), 0);
	ck_assert_uint_eq(output("x"), 0);
	turn();
	ck_assert_uint_eq(wakes, 0);
	ck_assert_int_eq(read(screen[0], block, sizeof(block)), sizeof(block));
	turn();
	ck_assert_uint_eq(wakes, 1);
	ck_assert_uint_eq(output("x"), 1);
	/* A second time, and with the reader gone for good. */
	fill(STDOUT_FILENO);
	ck_assert_uint_eq(output("z"), 0);
	fd_close(&screen[0]);
	turn();
	ck_assert_uint_eq(wakes, 2);
	ck_assert_uint_eq(output("z"), 1);
	ck_assert(now() - begin < 5);
}
END_TEST

START_TEST(a_stalled_output_can_be_left)
{
	start(SERIAL_STDIO);
	fill(STDOUT_FILENO);
	ck_assert_uint_eq(output("x"), 0);
	console_destroy(console);
	console = NULL;
	turn();
	ck_assert_uint_eq(wakes, 0);
}
END_TEST

START_TEST(a_file_takes_the_output)
{
	char folder[] = "/tmp/ferry-console-XXXXXX", path[64], text[8] = "";
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/out", folder);
	console = create(SERIAL_FILE, path);
	ck_assert_ptr_nonnull(console);
	console_start(console);
	output("abc");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 3);
	ck_assert_str_eq(text, "abc");
	close(fd);
	ck_assert_ptr_null(create(SERIAL_FILE, folder));
	ck_assert_ptr_nonnull(strstr(err.text, "cannot be written: Is a directory"));
	unlink(path);
	rmdir(folder);
}
END_TEST

/* Creates the console with its message caught, and opens the other end. */
static int start_pty(void)
{
	char message[128] = "", *name;
	int caught[2], kept = dup(STDERR_FILENO), fd;

	ck_assert_int_eq(pipe(caught), 0);
	dup2(caught[1], STDERR_FILENO);
	start(SERIAL_PTY);
	dup2(kept, STDERR_FILENO);
	close(kept);
	ck_assert_int_gt(read(caught[0], message, sizeof(message) - 1), 0);
	close(caught[0]);
	close(caught[1]);
	name = strstr(message, "/dev/pts/");
	ck_assert_ptr_nonnull(name);
	name[strcspn(name, "\n")] = '\0';
	fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(a_pty_can_be_left_and_come_back_to)
{
	int fd = start_pty();
	const char *name = ttyname(fd);

	output("one\n");
	reads(fd, "one\n");
	type(fd, "two\1\r", 5);
	took("two\1\r");
	close(fd);
	turn();
	quiet();
	/* Far more than fits: it is dropped, the guest goes on. */
	for (unsigned int i = 0; i < 20000; i++)
		output("lost ");
	fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcflush(fd, TCIFLUSH);
	output("three");
	reads(fd, "three");
	close(fd);
}
END_TEST

/* --- a terminal that controls its session --------------------------------------------------------- */

static int master, slave;

/* Runs @scenario in a session whose terminal is standard input; how it ended. */
static int in_session(void (*scenario)(void))
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

static bool is_raw(void)
{
	struct termios mode;

	ck_assert_int_eq(tcgetattr(slave, &mode), 0);
	return !(mode.c_lflag & (ICANON | ECHO | ISIG));
}

static void escape_scenario(void)
{
	start(SERIAL_STDIO);
	ck_assert(is_raw());
	type(master, "ab\3\1a\1\1c\1", 9);
	took("ab\3\1\1c");
	type(master, "r", 1); /* the key may come later */
	type(master, "\1p\1c\1x", 6);
	ck_assert_str_eq(requests, "rpcx");
	took("ab\3\1\1c");
	type(master, "\1h", 2);
	reads(screen[0], "\r\nCtrl-A x  quit");
	console_destroy(console);
	console = NULL;
	ck_assert(!is_raw());
}

START_TEST(the_terminal_has_an_escape_key)
{
	ck_assert_int_eq(in_session(escape_scenario), 0);
}
END_TEST

static void deaf_scenario(void)
{
	char text[512];

	memset(text, 'd', sizeof(text));
	port.room = 1;
	start(SERIAL_STDIO);
	for (unsigned int i = 0; i < 40; i++)
		type(master, text, sizeof(text));
	ck_assert_uint_eq(port.count, 1);
	type(master, "\1x", 2);
	ck_assert_str_eq(requests, "x");
	/* What was typed first is still there for it. */
	port_has_room(TAKEN_MAX);
	ck_assert_uint_ge(port.count, 4096);
	ck_assert_mem_eq(port.bytes, text, sizeof(text));
}

START_TEST(a_guest_that_does_not_listen_can_be_quit)
{
	ck_assert_int_eq(in_session(deaf_scenario), 0);
}
END_TEST

static void background_scenario(void)
{
	pid_t other = fork();

	if (other == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	signal(SIGTTOU, SIG_IGN);
	ck_assert_int_eq(setpgid(other, other), 0);
	ck_assert_int_eq(tcsetpgrp(STDIN_FILENO, other), 0);
	start(SERIAL_STDIO);
	ck_assert(!is_raw());
	type(master, "not ours\n", 9);
	ck_assert_uint_eq(port.count, 0);
	tcflush(slave, TCIFLUSH);
	/* Brought to the foreground, as SIGCONT tells. */
	ck_assert_int_eq(tcsetpgrp(STDIN_FILENO, getpgrp()), 0);
	console_start(console);
	ck_assert(is_raw());
	type(master, "z\1r", 3);
	took("z");
	ck_assert_str_eq(requests, "r");
	/* The second time it must not take raw for what there was before. */
	console_start(console);
	terminal_restore();
	ck_assert(!is_raw());
	/* In the background the mode is somebody else's. */
	console_start(console);
	ck_assert_int_eq(tcsetpgrp(STDIN_FILENO, other), 0);
	console_destroy(console);
	console = NULL;
	ck_assert(is_raw());
}

START_TEST(the_background_leaves_the_terminal_alone)
{
	ck_assert_int_eq(in_session(background_scenario), 0);
}
END_TEST

static const int deadly[] = {SIGABRT, SIGSEGV, SIGQUIT, SIGUSR1, SIGALRM};
static int dies_of;

static void die_scenario(void)
{
	start(SERIAL_STDIO);
	ck_assert(is_raw());
	raise(dies_of);
}

START_TEST(signals_that_kill_restore_the_terminal)
{
	int status;

	dies_of = deadly[_i];
	status = in_session(die_scenario);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), dies_of);
	ck_assert(!is_raw());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("console");
	TCase *tests = tcase_create("console");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_pipe_is_read_to_its_end);
	tcase_add_test(tests, a_pipe_waits_for_the_port);
	tcase_add_test(tests, a_file_is_read_to_its_end);
	tcase_add_loop_test(tests, nothing_to_read_is_no_work, 0, 2);
	tcase_add_test(tests, output_waits_for_its_reader);
	tcase_add_test(tests, a_stalled_output_can_be_left);
	tcase_add_test(tests, a_file_takes_the_output);
	tcase_add_test(tests, a_pty_can_be_left_and_come_back_to);
	tcase_add_test(tests, the_terminal_has_an_escape_key);
	tcase_add_test(tests, a_guest_that_does_not_listen_can_be_quit);
	tcase_add_test(tests, the_background_leaves_the_terminal_alone);
	tcase_add_loop_test(tests, signals_that_kill_restore_the_terminal, 0,
			    sizeof(deadly) / sizeof(deadly[0]));
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
