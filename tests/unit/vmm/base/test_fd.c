/* SPDX-License-Identifier: BSD-3-Clause */
/* Owned descriptors, eventfds, reads at a place, outputs that are not waited for. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/fd.h"

START_TEST(eventfd_counts_and_empties)
{
	int fd = fd_eventfd();

	ck_assert_int_ge(fd, 0);
	ck_assert(!fd_take(fd));
	fd_signal(fd);
	fd_signal(fd);
	ck_assert(fd_take(fd));
	ck_assert(!fd_take(fd));
	fd_close(&fd);
	ck_assert_int_eq(fd, -1);
	fd_close(&fd);
}
END_TEST

START_TEST(read_at_tells_a_short_file)
{
	char path[] = "/tmp/ferry-base-XXXXXX";
	int fd = mkstemp(path);
	char buffer[8];

	unlink(path);
	ck_assert_int_eq(fd_write_all(fd, "abcdef", 6), 0);
	ck_assert_int_eq(fd_read_at(fd, buffer, 4, 2), 0);
	ck_assert_mem_eq(buffer, "cdef", 4);
	ck_assert_int_eq(fd_read_at(fd, buffer, 5, 2), -ENODATA);
	fd_close(&fd);
	ck_assert_int_eq(fd_read_at(fd, buffer, 1, 0), -EBADF);
}
END_TEST

START_TEST(outputs_are_opened_without_waiting)
{
	char path[] = "/tmp/ferry-fd-XXXXXX";
	char fifo[64];
	int fd, reader;

	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(fifo, sizeof(fifo), "%s/fifo", path);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(fd_open_output(fifo, 0), -ENXIO);
	ck_assert_str_eq(fd_output_text(-ENXIO), "nobody reads there: start its reader first");
	reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	fd = fd_open_output(fifo, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
	close(reader);
	ck_assert_int_eq(fd_open_output(path, 0), -EISDIR);
	unlink(fifo);
	rmdir(path);
}
END_TEST

START_TEST(a_guest_leaves_descriptors_to_the_monitor)
{
	struct rlimit limit;
	int fds[64], count = 0, fd;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 128;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	/* Half of the limit is kept at most. */
	fd_reserve(1000);
	while ((fd = fd_eventfd_for_guest()) >= 0)
		fds[count++] = fd;
	ck_assert_int_eq(fd, -EMFILE);
	ck_assert_int_ge(count, 1);
	ck_assert_int_eq(fds[count - 1], 63);
	fd_reserve(-1000);
	fd = fd_eventfd_for_guest();
	ck_assert_int_eq(fd, 64);
	fd_close(&fd);
	/* 96 is the first that is kept. */
	ck_assert_int_eq(fd_check_room(31), 0);
	ck_assert_int_eq(fd_check_room(32), -EMFILE);
	while (count > 0)
		fd_close(&fds[--count]);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, eventfd_counts_and_empties);
	tcase_add_test(tests, read_at_tells_a_short_file);
	tcase_add_test(tests, outputs_are_opened_without_waiting);
	tcase_add_test(tests, a_guest_leaves_descriptors_to_the_monitor);
}

int main(void)
{
	return run_suite("fd", add_tests);
}
