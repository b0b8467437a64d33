/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls that reach VFIO's nodes, on descriptors that any kernel has. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vfio/sys.h"

START_TEST(a_node_is_opened_to_write_and_not_inherited)
{
	int fd = vfio_sys_open("/dev/null");

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	ck_assert_int_eq(vfio_sys_open("/nonexistent/vfio"), -ENOENT);
}
END_TEST

START_TEST(results_and_errors_come_in_one_number)
{
	int ends[2], count = -1;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "abc", 3), 3);
	ck_assert_int_eq(vfio_sys_ioctl(ends[0], FIONREAD, &count), 0);
	ck_assert_int_eq(count, 3);
	close(ends[0]);
	ck_assert_int_eq(vfio_sys_ioctl(ends[0], FIONREAD, &count), -EBADF);
	close(ends[1]);
}
END_TEST

START_TEST(an_access_is_at_its_place)
{
	char path[] = "/tmp/ferry-test-XXXXXX", bytes[8] = "";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	unlink(path);
	ck_assert_int_eq(vfio_sys_write(fd, "abcd", 4, 4096), 4);
	ck_assert_int_eq(vfio_sys_read(fd, bytes, 2, 4097), 2);
	ck_assert_mem_eq(bytes, "bc", 2);
	/* Short where there is no more, as a device's answer may be. */
	ck_assert_int_eq(vfio_sys_read(fd, bytes, 8, 4098), 2);
	close(fd);
	ck_assert_int_eq(vfio_sys_read(fd, bytes, 2, 0), -EBADF);
	ck_assert_int_eq(vfio_sys_write(fd, bytes, 2, 0), -EBADF);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_node_is_opened_to_write_and_not_inherited);
	tcase_add_test(tests, results_and_errors_come_in_one_number);
	tcase_add_test(tests, an_access_is_at_its_place);
}

int main(void)
{
	return run_suite("vfio sys", add_tests);
}
