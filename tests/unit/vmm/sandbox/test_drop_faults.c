/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sandbox_drop() with each of its calls failing: it says so in a sentence, or all that it promises
 * is so without that call. Each life is a process of its own.
 */

#include <check.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/fault.h"
#include "tests/unit/support/suite.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/sandbox/user.h"

static const struct user other = {.uid = 4711, .gid = 4712};

/* The calls of sandbox_drop() alone are in the plan. */
static bool planned;

static bool fails(const char *call)
{
	int result;

	if (!planned || !fault_answers(call, NULL, NULL, 0, &result) || result == 0)
		return false;
	errno = -result;
	return true;
}

static void take_arguments(va_list list, long *arguments, size_t count)
{
	for (size_t i = 0; i < count; i++)
		arguments[i] = va_arg(list, long);
}

int __real_prctl(int what, ...);
int __wrap_prctl(int what, ...);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
int __real_setrlimit(int what, const struct rlimit *limit);
int __wrap_setrlimit(int what, const struct rlimit *limit);
int __real_getrlimit(int what, struct rlimit *limit);
int __wrap_getrlimit(int what, struct rlimit *limit);
int __real_unshare(int flags);
int __wrap_unshare(int flags);
int __real_mount(const char *source, const char *target, const char *type, unsigned long flags,
		 const void *data);
int __wrap_mount(const char *source, const char *target, const char *type, unsigned long flags,
		 const void *data);
int __real_umount2(const char *target, int flags);
int __wrap_umount2(const char *target, int flags);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_chdir(const char *path);
int __wrap_chdir(const char *path);
int __real_chroot(const char *path);
int __wrap_chroot(const char *path);
int __real_setgroups(size_t count, const gid_t *groups);
int __wrap_setgroups(size_t count, const gid_t *groups);
int __real_setresgid(gid_t real, gid_t effective, gid_t saved);
int __wrap_setresgid(gid_t real, gid_t effective, gid_t saved);
int __real_setresuid(uid_t real, uid_t effective, uid_t saved);
int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved);

int __wrap_prctl(int what, ...)
{
	long arguments[4];
	va_list list;

	va_start(list, what);
	take_arguments(list, arguments, 4);
	va_end(list);
	return fails("prctl")
		       ? -1
		       : __real_prctl(what, arguments[0], arguments[1], arguments[2], arguments[3]);
}

long __wrap_syscall(long number, ...)
{
	long arguments[6];
	va_list list;

	va_start(list, number);
	take_arguments(list, arguments, 6);
	va_end(list);
	return fails("syscall") ? -1
				: __real_syscall(number, arguments[0], arguments[1], arguments[2],
						 arguments[3], arguments[4], arguments[5]);
}

int __wrap_setrlimit(int what, const struct rlimit *limit)
{
	return fails("setrlimit") ? -1 : __real_setrlimit(what, limit);
}

int __wrap_getrlimit(int what, struct rlimit *limit)
{
	return fails("getrlimit") ? -1 : __real_getrlimit(what, limit);
}

int __wrap_unshare(int flags)
{
	return fails("unshare") ? -1 : __real_unshare(flags);
}

int __wrap_mount(const char *source, const char *target, const char *type, unsigned long flags,
		 const void *data)
{
	return fails("mount") ? -1 : __real_mount(source, target, type, flags, data);
}

int __wrap_umount2(const char *target, int flags)
{
	return fails("umount2") ? -1 : __real_umount2(target, flags);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	return fails("mkdir") ? -1 : __real_mkdir(path, mode);
}

int __wrap_chdir(const char *path)
{
	return fails("chdir") ? -1 : __real_chdir(path);
}

int __wrap_chroot(const char *path)
{
	return fails("chroot") ? -1 : __real_chroot(path);
}

int __wrap_setgroups(size_t count, const gid_t *groups)
{
	return fails("setgroups") ? -1 : __real_setgroups(count, groups);
}

int __wrap_setresgid(gid_t real, gid_t effective, gid_t saved)
{
	return fails("setresgid") ? -1 : __real_setresgid(real, effective, saved);
}

int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved)
{
	return fails("setresuid") ? -1 : __real_setresuid(real, effective, saved);
}

/* Where the limit of locked memory could not be raised, that to pin memory stays. */
static bool has_no_capability(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	struct rlimit limit;
	uint32_t any;

	if (__real_syscall(SYS_capget, &header, sets) || __real_getrlimit(RLIMIT_MEMLOCK, &limit))
		return false;
	if (limit.rlim_cur != RLIM_INFINITY) {
		sets[0].effective &= ~(1U << CAP_IPC_LOCK);
		sets[0].permitted &= ~(1U << CAP_IPC_LOCK);
	}
	any = sets[0].effective | sets[0].permitted | sets[0].inheritable;
	return !(any | sets[1].effective | sets[1].permitted | sets[1].inheritable);
}

static bool is_other(void)
{
	uid_t uids[3];
	gid_t gids[3];

	return getresuid(&uids[0], &uids[1], &uids[2]) == 0 &&
	       getresgid(&gids[0], &gids[1], &gids[2]) == 0 && uids[0] == other.uid &&
	       uids[1] == other.uid && uids[2] == other.uid && gids[0] == other.gid &&
	       gids[1] == other.gid && gids[2] == other.gid && getgroups(0, NULL) == 0;
}

/* What is wrong with a process in which it has succeeded, or NULL. */
static const char *what_is_left(const struct sandbox_settings *settings)
{
	if (!has_no_capability())
		return "a capability";
	if (settings->user && !is_other())
		return "root's ids";
	if (__real_prctl(PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L) != 1)
		return "new privileges";
	if (__real_prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) != 0)
		return "a look from outside";
	return NULL;
}

enum { WENT_WELL, WENT_WRONG, NOT_STRUCK };

static int life(const struct sandbox_settings *settings, unsigned int at)
{
	const char *left;
	struct err err = {0};
	int rc;

	fault_arm(at, FAULT_ERROR, -EPERM);
	planned = true;
	rc = sandbox_drop(settings, &err);
	planned = false;
	left = rc ? NULL : what_is_left(settings);
	if (left)
		fprintf(stderr, "call %u, %s: %s is left\n", at, fault_plan.call, left);
	else if (rc && (!fault_plan.struck || err.code != rc || !strstr(err.text, ": ")))
		fprintf(stderr, "call %u, %s: %d, '%s'\n", at, fault_plan.call, rc, err.text);
	else
		return fault_plan.struck ? WENT_WELL : NOT_STRUCK;
	return WENT_WRONG;
}

/* How many calls there are. */
static unsigned int walk(const struct sandbox_settings *settings)
{
	unsigned int at = 0;
	int status;

	do {
		pid_t child = fork();

		at++;
		if (child == 0)
			_exit(life(settings, at));
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) != WENT_WRONG,
			      "call %u: status 0x%x", at, status);
	} while (WEXITSTATUS(status) == WENT_WELL);
	return at;
}

START_TEST(what_is_promised_is_so_or_is_refused)
{
	ck_assert_uint_gt(walk(&(struct sandbox_settings){.pins = true}), 40);
}
END_TEST

START_TEST(as_another_user_too)
{
	if (geteuid() != 0) {
		printf("skip: as_another_user_too: only root becomes another user\n");
		return;
	}
	ck_assert_uint_gt(walk(&(struct sandbox_settings){.pins = true, .user = &other}), 50);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, what_is_promised_is_so_or_is_refused);
	tcase_add_test(tests, as_another_user_too);
}

int main(void)
{
	return run_suite("vmm/sandbox/drop with faults", add_tests);
}
