/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Those at the console's ends who are slow or away: a pseudo-terminal's reader, a guest that is
 * pasted to.
 */

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/machine/test_console.h"

/* Milliseconds that poll(2) was told to wait for, while it counts. */
static bool counts_waits;
static long waited_ms;

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	const struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};

	if (counts_waits)
		waited_ms += timeout_ms < 0 ? 1000000 : timeout_ms;
	return ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, NULL);
}

/* Until all of it is taken, as a guest would that is woken. */
static void output_all(const char *text, size_t size)
{
	for (size_t i = 0, turns = 0; i < size;) {
		if (output((const char[]){text[i], '\0'})) {
			i++;
			continue;
		}
		ck_assert_uint_lt(turns++, 10000);
		usleep(1000);
		turn();
	}
}

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
		output_all("lost ", 5);
	fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	tcflush(fd, TCIFLUSH);
	output_all("three", 5);
	reads(fd, "three");
	close(fd);
}
END_TEST

/* Of the threads that write to it one serves all others. */
START_TEST(a_pty_without_a_reader_holds_nobody_up)
{
	static const char text[4096];
	int fd = start_pty();

	close(fd);
	counts_waits = true;
	for (unsigned int i = 0; i < 100; i++) {
		size_t taken = console_write(console, (const uint8_t *)text, sizeof(text));

		if (taken == sizeof(text))
			continue;
		counts_waits = false;
		wakes = 0;
		for (unsigned int turns = 0; !wakes; turns++) {
			ck_assert_uint_lt(turns, 5000);
			usleep(1000);
			turn();
		}
		counts_waits = true;
	}
	ck_assert_int_eq(waited_ms, 0);
}
END_TEST

/* Lines that tell their number; how many bytes that is. */
static size_t number_lines(char *to, unsigned int count)
{
	size_t size = 0;

	for (unsigned int i = 0; i < count; i++)
		size += (size_t)sprintf(to + size, "line %u\n", i);
	return size;
}

static char written[TAKEN_MAX], got[TAKEN_MAX];

/* What there is to read, until nothing comes for a while. */
static size_t read_rest(int fd, size_t count)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	while (count < sizeof(got) && poll(&ready, 1, 100) == 1) {
		ssize_t n = read(fd, got + count, sizeof(got) - count);

		ck_assert_int_gt(n, 0);
		count += (size_t)n;
	}
	return count;
}

START_TEST(a_pty_without_a_reader_keeps_the_last_output)
{
	int fd = start_pty();
	char *name = strdup(ttyname(fd));
	size_t size = number_lines(written, 20000), count;

	for (int round = 0; round < 2; round++) {
		close(fd);
		output_all(written, size);
		fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
		count = read_rest(fd, 0);
		ck_assert_uint_ge(count, 4096);
		ck_assert_uint_lt(count, size);
		ck_assert_mem_eq(got, written + size - count, count);
	}
	/* It is still raw, and hears its reader. */
	type(fd, "in\3\r", 4);
	took("in\3\r");
	quiet();
	close(fd);
	free(name);
}
END_TEST

START_TEST(a_pty_waits_for_a_slow_reader)
{
	int fd = start_pty();
	size_t size = number_lines(written, 20000), sent = 0, count = 0;
	unsigned int stalls = 0;
	ssize_t n;

	ck_assert_int_eq(ioctl(fd, TIOCEXCL), 0); /* he wants it for himself, as `screen` does */
	while (sent < size) {
		if (output((const char[]){written[sent], '\0'})) {
			sent++;
			continue;
		}
		stalls++;
		n = read(fd, got + count, 1000);
		ck_assert_int_gt(n, 0);
		count += (size_t)n;
		turn();
	}
	count = read_rest(fd, count);
	ck_assert_uint_gt(stalls, 1); /* each was a look at whether he is there */
	ck_assert_uint_eq(count, size);
	ck_assert_mem_eq(got, written, size);
	close(fd);
}
END_TEST

START_TEST(a_reader_who_leaves_a_pty_lets_the_guest_go_on)
{
	int fd = start_pty();
	unsigned int before;
	double begin;

	while (output("x"))
		;
	before = wakes;
	close(fd);
	begin = now();
	while (wakes == before && now() - begin < 60) {
		usleep(10000);
		turn();
	}
	ck_assert_uint_gt(wakes, before);
	output_all("y", 1);
}
END_TEST

/* Pastes what fits, and lets the console read it. */
static size_t paste(const char *bytes, size_t count)
{
	ssize_t n;

	fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	n = write(master, bytes, count);
	usleep(1000);
	turn();
	return n > 0 ? (size_t)n : 0;
}

static unsigned int paste_lines;

/* A guest that takes what it is sent in its own time gets all of it. */
static void paste_scenario(void)
{
	size_t size = number_lines(written, paste_lines), sent = 0;

	port.room = 0;
	start(SERIAL_STDIO);
	while (sent < size)
		sent += paste(written + sent, size - sent);
	ck_assert_uint_eq(port.count, 0);
	for (unsigned int i = 0; i < 100000 && port.count < size; i++)
		port_has_room(16);
	ck_assert_uint_eq(port.count, size);
	ck_assert_mem_eq(port.bytes, written, size);
}

START_TEST(a_paste_is_kept_for_the_guest)
{
	paste_lines = 800; /* some 8,000 bytes */
	ck_assert_int_eq(in_session(paste_scenario), 0);
}
END_TEST

static void long_paste_scenario(void)
{
	size_t size = number_lines(written, 20000), sent = 0;
	double begin = now();

	port.room = 0;
	start(SERIAL_STDIO);
	while (port.count < size && now() - begin < 60) {
		if (sent < size)
			sent += paste(written + sent, size - sent);
		port_has_room(1000);
	}
	ck_assert_uint_eq(port.count, size);
	ck_assert_mem_eq(port.bytes, written, size);
}

START_TEST(a_long_paste_waits_for_the_guest)
{
	ck_assert_int_eq(in_session(long_paste_scenario), 0);
}
END_TEST

/* The process is stopped and goes on while no more of a paste can be kept. */
static void resumed_paste_scenario(void)
{
	const size_t size = 66 * 1024; /* the terminal keeps what the console does not */
	size_t sent = 0, offers;

	number_lines(written, 20000);
	port.room = 0;
	start(SERIAL_STDIO);
	while (sent < size)
		sent += paste(written + sent, size - sent);
	do {
		offers = port.offers;
		usleep(10000);
		turn();
	} while (port.offers != offers);
	console_start(console);
	turn();
	for (unsigned int i = 0; i < 10000 && port.count < sent; i++)
		port_has_room(1000);
	ck_assert_uint_eq(port.count, sent);
	ck_assert_mem_eq(port.bytes, written, sent);
}

START_TEST(a_paste_outlasts_a_stop)
{
	ck_assert_int_eq(in_session(resumed_paste_scenario), 0);
}
END_TEST

/* Far more than is kept: it is not even read for a while, then the escape key is looked for. */
static void deafer_scenario(void)
{
	size_t size = number_lines(written, 20000), sent = 0;
	double begin = now();

	port.room = 0;
	start(SERIAL_STDIO);
	while (sent < size && now() - begin < 20)
		sent += paste(written + sent, size - sent);
	ck_assert_uint_eq(sent, size);
	type(master, "\1x", 2);
	requested("x");
	for (unsigned int i = 0; i < 1000; i++)
		port_has_room(1000);
	ck_assert_uint_eq(port.count, 64 * 1024);
	ck_assert_mem_eq(port.bytes, written, port.count);
	/* It listens again, and so does the console. */
	type(master, "again", 5);
	for (int i = 0; i < 100 && port.count < 64 * 1024 + 5; i++)
		type(master, "", 0);
	ck_assert_mem_eq(port.bytes + port.count - 5, "again", 5);
}

START_TEST(a_deaf_guest_can_be_quit_behind_any_paste)
{
	ck_assert_int_eq(in_session(deafer_scenario), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_pty_can_be_left_and_come_back_to);
	tcase_add_test(tests, a_pty_without_a_reader_keeps_the_last_output);
	tcase_add_test(tests, a_pty_without_a_reader_holds_nobody_up);
	tcase_add_test(tests, a_pty_waits_for_a_slow_reader);
	tcase_add_test(tests, a_reader_who_leaves_a_pty_lets_the_guest_go_on);
	tcase_add_test(tests, a_paste_is_kept_for_the_guest);
	tcase_add_test(tests, a_paste_outlasts_a_stop);
	tcase_add_test(tests, a_long_paste_waits_for_the_guest);
	tcase_add_test(tests, a_deaf_guest_can_be_quit_behind_any_paste);
}

int main(void)
{
	return run_suite("console, slow ends", add_tests);
}
