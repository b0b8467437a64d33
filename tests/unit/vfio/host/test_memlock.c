/* SPDX-License-Identifier: BSD-3-Clause */
/* Locked memory: what a guest needs, who may raise the limit, and the sentence when nobody may. */

#include <check.h>
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"
#include "vfio/host/memlock.h"
#include "vmm/base/bits.h"

static struct err err;

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

static void set_limit(rlim_t soft, rlim_t hard)
{
	const struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};

	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

START_TEST(locked_memory_too_low_says_how_much)
{
	set_limit(64 * KIB, 8 * MIB);
	drop_capabilities();
	ck_assert_int_eq(vfio_memlock_ensure(256 * MIB, &err), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.text, "needs 262144 KiB, the limit is 8192 KiB"));
	ck_assert_ptr_nonnull(strstr(err.text, "--memlock=268435456:268435456"));
}
END_TEST

START_TEST(the_soft_limit_is_raised_within_the_hard_one)
{
	struct rlimit limit;

	set_limit(64 * KIB, 8 * MIB);
	drop_capabilities();
	ck_assert_int_eq(vfio_memlock_ensure(8 * MIB, &err), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 8 * MIB);
	ck_assert_uint_eq(limit.rlim_max, 8 * MIB);
}
END_TEST

/* Whether the kernel leaves this process's pages uncounted: root's, but not in every container. */
static bool locks_uncounted(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	char space[64] = "";

	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	return (data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK)) != 0 &&
	       readlink("/proc/self/ns/user", space, sizeof(space) - 1) > 0 &&
	       strcmp(space, "user:[4026531837]") == 0;
}

START_TEST(asking_raises_nothing)
{
	struct vfio_memlock memlock;
	struct rlimit limit;

	set_limit(64 * KIB, 8 * MIB);
	if (locks_uncounted()) {
		ck_assert_int_eq(vfio_memlock_check(64 * MIB, &memlock, &err), 0);
		ck_assert(memlock.enough && memlock.hard == 0);
	} else {
		puts("skip: pages of root's are not counted: this process may not lock them all");
	}
	drop_capabilities();
	ck_assert_int_eq(vfio_memlock_check(64 * KIB, &memlock, &err), 0);
	ck_assert(memlock.enough);
	ck_assert_int_eq(vfio_memlock_check(8 * MIB, &memlock, &err), 0);
	ck_assert(!memlock.enough && memlock.may_raise);
	ck_assert_uint_eq(memlock.hard, 8 * MIB);
	ck_assert_int_eq(vfio_memlock_check(9 * MIB, &memlock, &err), -ENOMEM);
	ck_assert(!memlock.enough && !memlock.may_raise);
	ck_assert_ptr_nonnull(strstr(err.text, "needs 9216 KiB, the limit is 8192 KiB"));
	ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 64 * KIB);
}
END_TEST

/* Root of a container that an ordinary user made is nobody to the kernel's account. */
START_TEST(root_of_another_namespace_is_not_root)
{
	int status = 0;
	long child;

	set_limit(64 * KIB, 8 * MIB);
	child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		_exit(vfio_memlock_ensure(256 * MIB, &err) == -ENOMEM &&
				      vfio_memlock_ensure(8 * MIB, &err) == 0
			      ? 0
			      : 1);
	if (child < 0) {
		puts("skip: root_of_another_namespace_is_not_root: no user namespaces here");
		return;
	}
	ck_assert_int_eq(waitpid((pid_t)child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_limit_that_suffices_is_left_alone)
{
	struct rlimit limit;

	set_limit(4 * MIB, 8 * MIB);
	drop_capabilities();
	ck_assert_int_eq(vfio_memlock_ensure(4 * MIB, &err), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 4 * MIB);
}
END_TEST

static void add_tests(TCase *tests)
{
	if (!limit_reaches(8 * MIB, "locked memory"))
		return;
	tcase_add_test(tests, locked_memory_too_low_says_how_much);
	tcase_add_test(tests, the_soft_limit_is_raised_within_the_hard_one);
	tcase_add_test(tests, asking_raises_nothing);
	tcase_add_test(tests, root_of_another_namespace_is_not_root);
	tcase_add_test(tests, a_limit_that_suffices_is_left_alone);
}

int main(void)
{
	return run_suite("vfio memlock", add_tests);
}
