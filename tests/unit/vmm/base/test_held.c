/* SPDX-License-Identifier: BSD-3-Clause */
/* What is held by name: found by kind, known by its last part, free again once removed. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/held.h"

START_TEST(each_is_found_by_its_kind)
{
	int sys = held_add(HELD_FOLDER, "/sys"), names = held_add(HELD_NAMES, "/tmp");
	int proc = held_add(HELD_FOLDER, "/proc"), null = held_add(HELD_TERMINAL, "/dev/null");

	ck_assert_int_gt(sys, 0);
	ck_assert_int_eq(held_descriptor(HELD_FOLDER, 0), sys);
	ck_assert_int_eq(held_descriptor(HELD_FOLDER, 1), proc);
	ck_assert_int_eq(held_descriptor(HELD_FOLDER, 2), -1);
	ck_assert_int_eq(held_descriptor(HELD_NAMES, 0), names);
	ck_assert_int_eq(held_descriptor(HELD_TERMINAL, 0), null);
	ck_assert_int_eq(fcntl(sys, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	held_remove(&sys);
	ck_assert_int_eq(sys, -1);
	ck_assert_int_eq(held_descriptor(HELD_FOLDER, 0), proc);
	held_remove(&sys);
	held_remove(&proc);
	held_remove(&names);
	held_remove(&null);
	ck_assert_int_eq(held_descriptor(HELD_FOLDER, 0), -1);
}
END_TEST

START_TEST(the_folder_of_a_name)
{
	int folder = held_add_folder_of("/dev/null"), here = held_add_folder_of("name");

	ck_assert_str_eq(held_name("/dev/null"), "null");
	ck_assert_str_eq(held_name("name"), "name");
	ck_assert_int_eq(faccessat(folder, "null", F_OK, 0), 0);
	ck_assert_int_gt(here, 0);
	held_remove(&folder);
	held_remove(&here);
	ck_assert_int_eq(held_add_folder_of("/nonexistent/name"), -ENOENT);
	ck_assert_int_eq(held_add(HELD_FOLDER, "/dev/null"), -ENOTDIR);
}
END_TEST

START_TEST(there_is_an_end_to_them)
{
	int fds[64], count = 0, rc;

	while ((rc = held_add(HELD_NAMES, "/")) > 0 && count < 64)
		fds[count++] = rc;
	ck_assert_int_eq(rc, -ENOSPC);
	while (count)
		held_remove(&fds[--count]);
}
END_TEST

START_TEST(a_file_is_read_again)
{
	int file = held_add(HELD_FILE, "/proc/self/comm");
	char line[64];
	FILE *stream;

	ck_assert_int_gt(file, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(prctl(PR_SET_NAME, i ? "second" : "first"), 0);
		stream = held_fopen("/proc/self/comm");
		ck_assert_ptr_nonnull(stream);
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), stream));
		ck_assert_str_eq(line, i ? "second\n" : "first\n");
		ck_assert_ptr_null(fgets(line, sizeof(line), stream));
		fclose(stream);
	}
	held_remove(&file);
	/* One that is not held is opened. */
	stream = held_fopen("/proc/self/comm");
	ck_assert_ptr_nonnull(stream);
	fclose(stream);
	ck_assert_ptr_null(held_fopen("/nonexistent"));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* A struct that is zero holds nothing, and has not standard input closed. */
START_TEST(zero_is_none)
{
	int none = 0;

	held_remove(&none);
	ck_assert_int_ge(fcntl(0, F_GETFD), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, each_is_found_by_its_kind);
	tcase_add_test(tests, the_folder_of_a_name);
	tcase_add_test(tests, there_is_an_end_to_them);
	tcase_add_test(tests, a_file_is_read_again);
	tcase_add_test(tests, zero_is_none);
}

int main(void)
{
	return run_suite("held", add_tests);
}
