/* SPDX-License-Identifier: BSD-3-Clause */
/* The console over pipes, files and a controlling terminal of its own. */

#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/machine/test_console.h"

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
	for (int i = 0; i < 24; i++)
		turn(); /* until all of it is kept */
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

static void fill(int fd)
{
	static const char block[4096];
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, block, sizeof(block)) > 0)
		;
	while (write(fd, block, 1) > 0)
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

START_TEST(a_full_disk_is_told_of_once)
{
	const char *said;

	hear();
	console = create(SERIAL_FILE, "/dev/full");
	ck_assert_ptr_nonnull(console);
	ck_assert_uint_eq(output("abc"), 3);
	said = heard();
	ck_assert_str_eq(said, "ferry: warn: serial port: its output cannot be written: No space "
			       "left on device: it is lost\n");
}
END_TEST

/* A FIFO is opened only for a reader who is there, and then waits for him. */
START_TEST(a_fifo_waits_for_its_reader)
{
	char folder[] = "/tmp/ferry-console-XXXXXX", path[64], block[4096];
	int reader;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/fifo", folder);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_ptr_null(create(SERIAL_FILE, path));
	ck_assert_ptr_nonnull(strstr(err.text, "nobody reads there: start its reader first"));
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	console = create(SERIAL_FILE, path);
	ck_assert_ptr_nonnull(console);
	while (output("x") == 1)
		;
	ck_assert_int_eq(read(reader, block, sizeof(block)), sizeof(block));
	turn();
	ck_assert_uint_eq(wakes, 1);
	ck_assert_uint_eq(output("x"), 1);
	close(reader);
	unlink(path);
	rmdir(folder);
}
END_TEST

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
	requested("rpcx");
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
	requested("x");
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

/* A pseudo-terminal has handed on a line of so many bytes, which nobody has read yet. */
static void line_waits(int count)
{
	int there = 0;

	for (int waits = 0; there < count && waits < 10000; waits++) {
		usleep(1000);
		ck_assert_int_eq(ioctl(slave, FIONREAD, &there), 0);
	}
	ck_assert_int_eq(there, count);
}

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
	line_waits(9);
	turn();
	ck_assert_uint_eq(port.count, 0);
	tcflush(slave, TCIFLUSH);
	/* Brought to the foreground, as SIGCONT tells. */
	ck_assert_int_eq(tcsetpgrp(STDIN_FILENO, getpgrp()), 0);
	console_start(console);
	ck_assert(is_raw());
	type(master, "z\1r", 3);
	took("z");
	requested("r");
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
	/* Who runs the tests in the background may have them ignore it. */
	signal(dies_of, SIG_DFL);
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

static void ignoring_scenario(void)
{
	signal(SIGQUIT, SIG_IGN);
	start(SERIAL_STDIO);
	ck_assert(is_raw());
	raise(SIGQUIT);
	ck_assert(is_raw());
}

START_TEST(what_the_parent_ignored_stays_ignored)
{
	ck_assert_int_eq(in_session(ignoring_scenario), 0);
}
END_TEST

/* Both ways; who hands it over keeps what it opened, and may leave. */
START_TEST(a_socket_that_is_handed_over)
{
	char text[8] = "";
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	given = ends[0];
	start(SERIAL_FD);
	ck_assert_uint_eq(output("out"), 3);
	ck_assert_int_eq(read(ends[1], text, sizeof(text)), 3);
	ck_assert_str_eq(text, "out");
	port_has_room(8);
	/* It has no escape key. */
	ck_assert_int_eq(write(ends[1], "\x01x", 2), 2);
	turn();
	ck_assert_str_eq(requests, "");
	close(ends[1]);
	turn();
	ck_assert_uint_eq(output("gone"), 4);
	turn();
	console_destroy(console);
	console = NULL;
	ck_assert_int_eq(fcntl(ends[0], F_GETFD), -1);
}
END_TEST

/* A reader who does not read holds nobody up but the guest. */
START_TEST(a_pipe_that_is_handed_over)
{
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	given = ends[1];
	start(SERIAL_FD);
	while (output("0123456789abcdef") == 16)
		;
	close(ends[0]);
	turn();
	ck_assert_uint_gt(wakes, 0);
	ck_assert_uint_eq(output("gone"), 4);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_socket_that_is_handed_over);
	tcase_add_test(tests, a_pipe_that_is_handed_over);
	tcase_add_test(tests, a_pipe_is_read_to_its_end);
	tcase_add_test(tests, a_pipe_waits_for_the_port);
	tcase_add_test(tests, a_file_is_read_to_its_end);
	tcase_add_loop_test(tests, nothing_to_read_is_no_work, 0, 2);
	tcase_add_test(tests, output_waits_for_its_reader);
	tcase_add_test(tests, a_stalled_output_can_be_left);
	tcase_add_test(tests, a_file_takes_the_output);
	tcase_add_test(tests, a_full_disk_is_told_of_once);
	tcase_add_test(tests, a_fifo_waits_for_its_reader);
	tcase_add_test(tests, the_terminal_has_an_escape_key);
	tcase_add_test(tests, a_guest_that_does_not_listen_can_be_quit);
	tcase_add_test(tests, the_background_leaves_the_terminal_alone);
	tcase_add_loop_test(tests, signals_that_kill_restore_the_terminal, 0,
			    sizeof(deadly) / sizeof(deadly[0]));
	tcase_add_test(tests, what_the_parent_ignored_stays_ignored);
}

int main(void)
{
	return run_suite("console", add_tests);
}
