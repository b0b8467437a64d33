/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls that reach the kernel, on descriptors that any kernel has. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/kvm/sys.h"

START_TEST(a_node_is_opened_to_write_and_not_inherited)
{
	int fd = kvm_sys_open("/dev/null");

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	ck_assert_int_eq(kvm_sys_open("/nonexistent/kvm"), -ENOENT);
	ck_assert_int_eq(kvm_sys_open("/"), -EISDIR);
}
END_TEST

START_TEST(results_and_errors_come_in_one_number)
{
	int ends[2], count = -1;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], "abc", 3), 3);
	ck_assert_int_eq(kvm_sys_ioctl(ends[0], FIONREAD, &count), 0);
	ck_assert_int_eq(count, 3);
	ck_assert_int_eq(kvm_sys_ioctl_value(ends[0], FIOCLEX, 0), 0);
	ck_assert_int_eq(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(kvm_sys_ioctl_value(ends[0], TIOCSCTTY, 0), -ENOTTY);
	close(ends[0]);
	ck_assert_int_eq(kvm_sys_ioctl(ends[0], FIONREAD, &count), -EBADF);
	close(ends[1]);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_node_is_opened_to_write_and_not_inherited);
	tcase_add_test(tests, results_and_errors_come_in_one_number);
}

int main(void)
{
	return run_suite("kvm sys", add_tests);
}
