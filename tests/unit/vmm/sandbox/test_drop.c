/* SPDX-License-Identifier: BSD-3-Clause */
/* What a process has after sandbox_drop(), and what it had before: each test is one of its own. */

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/held.h"
#include "vmm/sandbox/capability.h"
#include "vmm/sandbox/landlock.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/sandbox/user.h"

static struct err err;

/* The sets of the calling thread, or'ed; of the bounding and ambient ones whether any is there. */
static unsigned long long capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	unsigned long long all = 0;

	ck_assert_int_eq(syscall(SYS_capget, &header, sets), 0);
	for (size_t i = 0; i < 2; i++)
		all |= (unsigned long long)(sets[i].effective | sets[i].permitted |
					    sets[i].inheritable)
		       << 32 * i;
	for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1 ||
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) == 1)
			all |= 1ULL << 63;
	return all;
}

static void drop(enum sandbox_mode mode, bool pins)
{
	struct sandbox_settings settings = {.mode = mode, .pins = pins};

	ck_assert_msg(sandbox_drop(&settings, &err) == 0, "%s", err.text);
}

START_TEST(privileges_go_for_good)
{
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 1);
	drop(SANDBOX_ON, false);
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	ck_assert_int_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	ck_assert_uint_eq(capabilities(), 0);
}
END_TEST

static void *look_from_a_thread(void *answer)
{
	*(unsigned long long *)answer = capabilities();
	return NULL;
}

START_TEST(a_thread_has_no_more)
{
	unsigned long long has = 1;
	pthread_t thread;

	drop(SANDBOX_ON, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, look_from_a_thread, &has), 0);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(has, 0);
}
END_TEST

START_TEST(off_leaves_all)
{
	unsigned long long before = capabilities();

	drop(SANDBOX_OFF, true);
	ck_assert_uint_eq(capabilities(), before);
	ck_assert_int_eq(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	ck_assert_int_eq(access("/etc/passwd", R_OK), 0);
}
END_TEST

/* It is no wall that a run of --sandbox off leaves out. */
START_TEST(another_user_is_one_without_the_sandbox)
{
	const struct user other = {.uid = 4711, .gid = 4712};
	const struct sandbox_settings settings = {.mode = SANDBOX_OFF, .user = &other};
	uid_t real, effective, saved;
	int status;
	pid_t child;

	if (geteuid() != 0)
		return;
	/* A sanitizer has no files of its own to look into at such a process's end. */
	child = fork();
	if (child == 0)
		_exit(sandbox_drop(&settings, &err) == 0 &&
				      getresuid(&real, &effective, &saved) == 0 && real == 4711 &&
				      effective == 4711 && saved == 4711 && getegid() == 4712 &&
				      getgroups(0, NULL) == 0 && setuid(0) == -1 &&
				      prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0
			      ? 0
			      : 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* What is pinned for devices is not counted any more by a capability. */
START_TEST(locked_memory_is_settled_before)
{
	struct rlimit limit = {.rlim_cur = 65536, .rlim_max = 65536};

	if (!capability_is_effective(CAP_SYS_RESOURCE))
		return;
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	drop(SANDBOX_ON, true);
	ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	ck_assert(limit.rlim_cur == RLIM_INFINITY);
}
END_TEST

START_TEST(where_the_limit_stays_the_capability_does)
{
	struct rlimit limit = {.rlim_cur = 65536, .rlim_max = 65536};

	if (!capability_is_effective(CAP_IPC_LOCK))
		return;
	ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	ck_assert_int_eq(capability_keep((uint64_t)1 << CAP_IPC_LOCK | 1 << CAP_SETPCAP), 0);
	ck_assert(!capability_is_effective(CAP_SYS_RESOURCE));
	drop(SANDBOX_ON, true);
	ck_assert(capability_is_effective(CAP_IPC_LOCK));
	ck_assert(!capability_is_effective(CAP_SETPCAP));
}
END_TEST

static char folder[] = "/tmp/sandbox.XXXXXX";

static void make_folder(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

/* By who is not walled off. */
static void remove_folder(void)
{
	ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(files_are_those_that_are_held)
{
	char path[64], other[64];
	int names, fd;

	if (landlock_version() < 1)
		return;
	snprintf(path, sizeof(path), "%s/name", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	names = held_add_folder_of(path);
	drop(SANDBOX_ON, false);
	ck_assert_int_eq(open("/etc/passwd", O_RDONLY), -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_int_eq(open(path, O_RDONLY), -1);
	ck_assert_int_eq(open(other, O_CREAT | O_WRONLY, 0600), -1);
	ck_assert_int_eq(mkdir(other, 0700), -1);
	fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY);
	ck_assert(fd >= 0 || errno == ENOENT);
	ck_assert_int_eq(unlinkat(names, held_name(path), 0), 0);
	held_remove(&names);
	ck_assert_int_eq(rmdir(folder), -1);
	ck_assert_int_eq(errno, EACCES);
}
END_TEST

START_TEST(tcp_is_walled_off)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (landlock_version() < 4 || fd < 0)
		return;
	drop(SANDBOX_ON, false);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), -1);
	ck_assert_int_eq(errno, EACCES);
}
END_TEST

START_TEST(modes_have_names)
{
	enum sandbox_mode mode;

	ck_assert_int_eq(sandbox_parse_mode("log", &mode), 0);
	ck_assert_int_eq(mode, SANDBOX_LOG);
	ck_assert_int_eq(sandbox_parse_mode("off", &mode), 0);
	ck_assert_int_eq(mode, SANDBOX_OFF);
	ck_assert_int_eq(sandbox_parse_mode("on", &mode), 0);
	ck_assert_int_eq(mode, SANDBOX_ON);
	ck_assert_int_eq(sandbox_parse_mode("yes", &mode), -EINVAL);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_unchecked_fixture(tests, make_folder, remove_folder);
	tcase_add_test(tests, privileges_go_for_good);
	tcase_add_test(tests, a_thread_has_no_more);
	tcase_add_test(tests, off_leaves_all);
	tcase_add_test(tests, another_user_is_one_without_the_sandbox);
	tcase_add_test(tests, locked_memory_is_settled_before);
	tcase_add_test(tests, where_the_limit_stays_the_capability_does);
	tcase_add_test(tests, files_are_those_that_are_held);
	tcase_add_test(tests, tcp_is_walled_off);
	tcase_add_test(tests, modes_have_names);
}

int main(void)
{
	return run_suite("drop", add_tests);
}
