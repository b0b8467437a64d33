/* SPDX-License-Identifier: BSD-3-Clause */
/* Owned descriptors, eventfds, reads at a place, outputs that are not waited for. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
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

/* By whoever has it too. */
static void make_it_block(int eventfd)
{
	ck_assert_int_eq(fcntl(eventfd, F_SETFL, 0), 0);
}

START_TEST(a_shared_eventfd_is_not_waited_for)
{
	int fd = fd_eventfd();

	ck_assert(!fd_is_signalled(fd));
	make_it_block(fd);
	ck_assert(!fd_take_shared(fd));
	ck_assert(!fd_is_signalled(fd));
	fd_signal(fd);
	fd_signal(fd);
	ck_assert(fd_is_signalled(fd));
	ck_assert(fd_is_signalled(fd));
	ck_assert(fd_take_shared(fd));
	ck_assert(!fd_take_shared(fd));
	fd_close(&fd);
	ck_assert(!fd_take_shared(fd));
	ck_assert(!fd_is_signalled(fd));
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

/* Another descriptor of it. */
START_TEST(what_is_open_already)
{
	char name[] = "/tmp/ferry-given-XXXXXX", byte = 0;
	int given = mkstemp(name), fd;

	ck_assert_int_eq(write(given, "old", 3), 3);
	fd = fd_open_input("elsewhere", given);
	ck_assert_int_ne(fd, given);
	ck_assert_int_eq(pread(fd, &byte, 1, 0), 1);
	ck_assert_int_eq(byte, 'o');
	close(fd);
	fd = fd_output_again(given);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert_int_eq(write(fd, "new", 3), 3);
	ck_assert_int_eq(pread(given, &byte, 1, 3), 1);
	ck_assert_int_eq(byte, 'n');
	close(fd);
	close(given);
	ck_assert_int_eq(fd_output_again(given), -EBADF);
	ck_assert_int_eq(fd_open_input(name, given), -EBADF);
	fd = fd_open_input(name, 0);
	ck_assert_int_ge(fd, 0);
	close(fd);
	unlink(name);
	ck_assert_int_eq(fd_open_input(name, 0), -ENOENT);
}
END_TEST

static void is_open_for(int flags, bool reading, bool writing)
{
	const struct {
		int access;
		bool allowed;
		const char *words;
	} wanted[] = {
		{O_RDONLY, reading, "it is not open for reading"},
		{O_WRONLY, writing, "it is not open for writing"},
		{O_RDWR, reading && writing, "it is not open for reading and writing"},
	};
	int fd = open("/dev/null", flags | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct err err = {0};
		int rc = fd_check_access(fd, wanted[i].access, &err);

		ck_assert_int_eq(rc, wanted[i].allowed ? 0 : -EINVAL);
		ck_assert_str_eq(err.text, wanted[i].allowed ? "" : wanted[i].words);
	}
	if (fd >= 0)
		close(fd);
}

START_TEST(what_one_is_open_for)
{
	is_open_for(O_RDONLY, true, false);
	is_open_for(O_WRONLY, false, true);
	is_open_for(O_RDWR, true, true);
	is_open_for(O_PATH, false, false);
	/* One that is closed. */
	is_open_for(O_RDWR | O_DIRECTORY, false, false);
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

START_TEST(files_of_memory_are_known)
{
	int fd = fd_create_memory("file", MFD_ALLOW_SEALING), none = open("/dev/null", O_RDWR);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS) & F_SEAL_SEAL, 0);
	ck_assert(fd_is_memory(fd));
	ck_assert(!fd_is_memory(none));
	ck_assert(!fd_is_memory(-1));
	ck_assert_int_lt(fd_create_memory("file", UINT32_C(1) << 25), 0);
	fd_close(&fd);
	fd_close(&none);
}
END_TEST

START_TEST(one_may_be_made_not_to_block)
{
	int ends[2];
	char byte;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(fd_do_not_block(ends[0]), 0);
	ck_assert_int_eq(read(ends[0], &byte, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	ck_assert_int_eq(fd_do_not_block(-1), -EBADF);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, files_of_memory_are_known);
	tcase_add_test(tests, one_may_be_made_not_to_block);
	tcase_add_test(tests, a_shared_eventfd_is_not_waited_for);
	tcase_add_test(tests, eventfd_counts_and_empties);
	tcase_add_test(tests, read_at_tells_a_short_file);
	tcase_add_test(tests, outputs_are_opened_without_waiting);
	tcase_add_test(tests, what_is_open_already);
	tcase_add_test(tests, what_one_is_open_for);
	tcase_add_test(tests, a_guest_leaves_descriptors_to_the_monitor);
}

int main(void)
{
	return run_suite("fd", add_tests);
}
