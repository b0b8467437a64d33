/* SPDX-License-Identifier: BSD-3-Clause */
/* Writers that never wait for their reader. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/base/test_reader.h"
#include "vmm/base/fd.h"
#include "vmm/base/writer.h"

START_TEST(a_full_reader_is_not_waited_for)
{
	unsigned int descriptors;
	struct writer writer;
	char block[1000];
	ssize_t n;

	open_kind(_i);
	descriptors = count_descriptors();
	memset(block, 'b', sizeof(block));
	writer_share(&writer, ends[1]);
	while ((n = writer_write(&writer, block, sizeof(block))) > 0)
		;
	ck_assert_int_eq(n, -EAGAIN);
	/* The descriptor is others' too: it waits as it did. */
	ck_assert(!(fcntl(ends[1], F_GETFL) & O_NONBLOCK));
	read_all();
	ck_assert_int_gt(writer_write(&writer, "x", 1), 0);
	writer_close(&writer);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	close_ends();
}
END_TEST

/* Where it cannot be opened anew, as another user's terminal. */
START_TEST(a_shared_one_is_looked_at_first)
{
	struct writer writer;
	char block[10000];
	ssize_t n;

	open_kind(_i ? PTY : PIPE);
	memset(block, 'b', sizeof(block));
	writer_watch(&writer, ends[1], _i ? 1 : PIPE_BUF);
	ck_assert_int_gt(writer_write(&writer, block, sizeof(block)), 0);
	while ((n = writer_write(&writer, block, sizeof(block))) > 0)
		;
	ck_assert_int_eq(n, -EAGAIN);
	close_ends();
}
END_TEST

/* Opened anew, it would be another pair's. */
START_TEST(the_masters_end_of_a_pair_stays_that)
{
	struct writer writer;

	open_pty();
	writer_share(&writer, ends[0]);
	ck_assert_int_eq(writer_write(&writer, "\n", 1), 1);
	ck_assert_int_eq(read(ends[1], text, 1), 1);
	writer_close(&writer);
	close_ends();
}
END_TEST

START_TEST(a_file_keeps_its_place)
{
	char path[] = "/tmp/ferry-lines-XXXXXX";
	int fd = mkstemp(path);
	struct writer writer;

	ck_assert_int_eq(fd_write_all(fd, "before ", 7), 0);
	writer_share(&writer, fd);
	ck_assert_int_eq(writer_write(&writer, "after", 5), 5);
	writer_close(&writer);
	ck_assert_int_eq(fd_read_at(fd, text, 12, 0), 0);
	ck_assert_mem_eq(text, "before after", 12);
	close(fd);
	unlink(path);
}
END_TEST

static void add_tests(TCase *tests)
{
	signal(SIGPIPE, SIG_IGN);
	tcase_add_loop_test(tests, a_full_reader_is_not_waited_for, 0, KINDS);
	tcase_add_loop_test(tests, a_shared_one_is_looked_at_first, 0, 2);
	tcase_add_test(tests, the_masters_end_of_a_pair_stays_that);
	tcase_add_test(tests, a_file_keeps_its_place);
}

int main(void)
{
	return run_suite("writer", add_tests);
}
