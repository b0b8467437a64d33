/* SPDX-License-Identifier: BSD-3-Clause */
/* A pseudo-terminal: raw, kept open for a reader to come, and who is there. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/pty.h"

static struct pty pty;
static struct err err;

static void setup(void)
{
	ck_assert_msg(pty_open(&pty, &err) == 0, "%s", err.text);
}

static void teardown(void)
{
	pty_close(&pty);
	ck_assert(pty.master == -1 && pty.peer == -1);
	pty_close(&pty);
}

static int open_reader(void)
{
	int fd = open(pty.name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(what_was_written_waits_for_its_reader)
{
	char text[8] = "";
	int reader;

	ck_assert_int_eq(write(pty.master, "a\nb\r", 4), 4);
	reader = open_reader();
	/* Raw: as it was written, and nothing comes back. */
	ck_assert_int_eq(read(reader, text, sizeof(text)), 4);
	ck_assert_mem_eq(text, "a\nb\r", 4);
	ck_assert_int_eq(read(pty.master, text, sizeof(text)), -1);
	ck_assert_int_eq(errno, EAGAIN);
	close(reader);
	/* Its going hangs nothing up. */
	ck_assert_int_eq(write(pty.master, "c", 1), 1);
}
END_TEST

START_TEST(a_reader_is_noticed)
{
	int reader;

	ck_assert(!pty_has_reader(&pty));
	reader = open_reader();
	ck_assert(pty_has_reader(&pty));
	ck_assert_int_ge(pty.peer, 0);
	close(reader);
	ck_assert(!pty_has_reader(&pty));
}
END_TEST

START_TEST(the_oldest_gives_way)
{
	char block[4096];
	bool room = false;

	memset(block, 'x', sizeof(block));
	while (write(pty.master, block, sizeof(block)) > 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
	/* The kernel moves what there is room for in its own time. */
	for (unsigned int i = 0; i < 10000 && !room; i++) {
		ck_assert(pty_drop_oldest(&pty));
		room = write(pty.master, "y", 1) == 1;
		usleep(room ? 0 : 1000);
	}
	ck_assert(room);
}
END_TEST

START_TEST(a_hold_that_was_lost_is_taken_back)
{
	close(pty.peer);
	pty.peer = -1;
	ck_assert(pty_hold(&pty));
	ck_assert_int_ge(pty.peer, 0);
	close(pty.peer);
	pty.peer = -1;
	close(pty.master);
	pty.master = -1;
	ck_assert(!pty_hold(&pty));
	ck_assert(!pty_drop_oldest(&pty));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_was_written_waits_for_its_reader);
	tcase_add_test(tests, a_reader_is_noticed);
	tcase_add_test(tests, the_oldest_gives_way);
	tcase_add_test(tests, a_hold_that_was_lost_is_taken_back);
}

int main(void)
{
	return run_suite("pty", add_tests);
}
