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

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/host.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "vfio/host/memlock.h"
#include "vmm/base/bits.h"

static struct err err;

static struct vfio_memlock_scope own;
static struct vfio_memlock_scope users;

START_TEST(locked_memory_too_low_says_how_much)
{
	drop_root_and_limit(64 * KIB, 8 * MIB);
	ck_assert_int_eq(vfio_memlock_ensure(&own, 256 * MIB, &err), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.text, "needs 262144 KiB, the limit is 8192 KiB"));
	ck_assert_ptr_nonnull(strstr(err.text, "--memlock=268435456:268435456"));
}
END_TEST

START_TEST(the_soft_limit_is_raised_within_the_hard_one)
{
	struct rlimit limit;

	drop_root_and_limit(64 * KIB, 8 * MIB);
	ck_assert_int_eq(vfio_memlock_ensure(&own, 8 * MIB, &err), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 8 * MIB);
	ck_assert_uint_eq(limit.rlim_max, 8 * MIB);
}
END_TEST

static void set_limit(rlim_t soft, rlim_t hard)
{
	const struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};

	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

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
		ck_assert_int_eq(vfio_memlock_check(&own, 64 * MIB, &memlock, &err), 0);
		ck_assert(memlock.enough && memlock.hard == 0);
	} else {
		puts("skip: pages of root's are not counted: this process may not lock them all");
	}
	drop_root();
	ck_assert_int_eq(vfio_memlock_check(&own, 64 * KIB, &memlock, &err), 0);
	ck_assert(memlock.enough);
	ck_assert_int_eq(vfio_memlock_check(&own, 8 * MIB, &memlock, &err), 0);
	ck_assert(!memlock.enough && memlock.may_raise);
	ck_assert_uint_eq(memlock.hard, 8 * MIB);
	ck_assert_int_eq(vfio_memlock_check(&own, 9 * MIB, &memlock, &err), -ENOMEM);
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
		_exit(vfio_memlock_ensure(&own, 256 * MIB, &err) == -ENOMEM &&
				      vfio_memlock_ensure(&own, 8 * MIB, &err) == 0
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

	drop_root_and_limit(4 * MIB, 8 * MIB);
	ck_assert_int_eq(vfio_memlock_ensure(&own, 4 * MIB, &err), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 4 * MIB);
}
END_TEST

/* A process of @user's, as /proc tells it. */
static void write_status(const char *process, unsigned int user, unsigned int pinned_kib)
{
	char path[64], text[160];

	snprintf(path, sizeof(path), "proc/%s/status", process);
	snprintf(text, sizeof(text),
		 "Name:\tx\nUid:\t%u\t%u\t0\t0\nVmLck:\t  900 kB\nVmPin:\t%8u kB\nVmHWM:\t 7 kB\n",
		 user, user + 1, pinned_kib);
	fake_tree_write(path, text);
}

/* Two others of this user's have pinned 3 MiB; the rest does not count. */
static void populate_proc(void)
{
	static const char *const folders[] = {"proc/41",   "proc/4242", "proc/77",
					      "proc/self", "proc/90",   "proc/91"};
	char self[16], text[64];

	snprintf(self, sizeof(self), "%d", getpid());
	fake_tree_create();
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		fake_tree_folder(folders[i]);
	snprintf(text, sizeof(text), "proc/%s", self);
	fake_tree_folder(text);
	write_status("41", getuid(), 1024);
	write_status("4242", getuid(), 2048);
	write_status("77", getuid() + 5, 4096);
	write_status("self", getuid(), 4096);
	write_status(self, getuid(), 4096);
	snprintf(text, sizeof(text), "Name:\tzombie\nUid:\t%u\t0\t0\t0\n", getuid());
	fake_tree_write("proc/90/status", text);
	users.user_proc = fake_tree_path("proc");
}

START_TEST(what_a_users_other_processes_pin_counts)
{
	struct vfio_memlock memlock;
	struct rlimit limit;

	populate_proc();
	drop_root_and_limit(64 * KIB, 8 * MIB);
	ck_assert_int_eq(vfio_memlock_check(&users, 5 * MIB, &memlock, &err), 0);
	ck_assert(!memlock.enough && memlock.may_raise);
	ck_assert_uint_eq(memlock.others, 3 * MIB);
	ck_assert_str_eq(memlock.doubt, "");
	ck_assert_int_eq(vfio_memlock_ensure(&users, 4 * MIB, &err), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, 7 * MIB);
	ck_assert_int_eq(vfio_memlock_check(&own, 7 * MIB, &memlock, &err), 0);
	ck_assert(memlock.enough && memlock.others == 0);
	fake_tree_remove();
}
END_TEST

/* As far as it goes, with a warning: not all that others have pinned need be of what counts. */
START_TEST(what_fits_without_the_others_is_tried)
{
	struct rlimit limit;
	const char *text;
	char users_limit[96];

	populate_proc();
	drop_root_and_limit(64 * KIB, 8 * MIB);
	snprintf(users_limit, sizeof(users_limit),
		 "needs 6144 KiB, the limit is 8192 KiB for all processes of user %u together, of "
		 "which",
		 getuid());
	for (int i = 0; i < 2; i++) {
		hear();
		ck_assert_int_eq(vfio_memlock_ensure(&users, 6 * MIB, &err), 0);
		text = heard();
		ck_assert_msg(strstr(text, users_limit), "%s", text);
		ck_assert_ptr_nonnull(strstr(text, "others have pinned 3072 KiB: raise it"));
		ck_assert_ptr_nonnull(strstr(text, "--memlock=9437184:9437184"));
		ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
		ck_assert_uint_eq(limit.rlim_cur, 8 * MIB);
	}
	ck_assert_int_eq(vfio_memlock_ensure(&users, 9 * MIB, &err), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(err.text, "needs 9216 KiB, the limit is 8192 KiB for all"));
	ck_assert_ptr_nonnull(strstr(err.text, "--memlock=12582912:12582912"));
	fake_tree_remove();
}
END_TEST

START_TEST(why_pages_are_not_locked)
{
	char text[384];

	populate_proc();
	set_limit(4 * MIB, 8 * MIB);
	if (locks_uncounted()) {
		vfio_memlock_explain(&own, MIB, text, sizeof(text));
		ck_assert_ptr_nonnull(strstr(text, "the host's kernel has no memory left"));
	}
	drop_root();
	vfio_memlock_explain(&own, MIB, text, sizeof(text));
	ck_assert_str_eq(text, "1024 KiB more cannot be locked, the limit is 4096 KiB: raise it "
			       "(prlimit --memlock) or give the guest less memory");
	vfio_memlock_explain(&users, MIB, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "the limit is 4096 KiB for all processes of user "));
	ck_assert_ptr_nonnull(strstr(text, " together, of which others have pinned 3072 KiB: "));
	/* What a run has once looked at is told when it may look no more. */
	ck_assert_int_eq(vfio_memlock_ensure(&users, 4 * MIB, &err), 0);
	fake_tree_remove();
	vfio_memlock_explain(&users, MIB, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, " together, of which others have pinned 3072 KiB: "));
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
	tcase_add_test(tests, what_a_users_other_processes_pin_counts);
	tcase_add_test(tests, what_fits_without_the_others_is_tried);
	tcase_add_test(tests, why_pages_are_not_locked);
}

int main(void)
{
	return run_suite("vfio memlock", add_tests);
}
