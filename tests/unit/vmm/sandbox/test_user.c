/* SPDX-License-Identifier: BSD-3-Clause */
/* Another user: how it is named, and what /proc says that a process became. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "vmm/sandbox/capability.h"
#include "vmm/sandbox/user.h"

static char etc[32];
static struct user user;
static struct err err;

static void store(const char *name, const char *text)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", etc, name);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void set_up(void)
{
	snprintf(etc, sizeof(etc), "/tmp/ferry-user-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(etc));
	store("passwd", "root:x:0:0::/root:/bin/sh\n"
			"alice:x:1000:1001:Alice:/home/alice:/bin/sh\n"
			"broken line\n"
			"wheel:x:1002:0::/:/bin/sh\n"
			"nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n");
	store("group", "root:x:0:\nkvm:x:107:alice\nnogroup:x:65534:\n");
}

static void tear_down(void)
{
	scratch_remove(etc);
}

static void found(const char *text, unsigned int uid, unsigned int gid)
{
	ck_assert_msg(user_find(etc, text, &user, &err) == 0, "%s: %s", text, err.text);
	ck_assert_uint_eq(user.uid, uid);
	ck_assert_uint_eq(user.gid, gid);
}

static void refused(const char *text, const char *part)
{
	ck_assert_int_eq(user_find(etc, text, &user, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, part), "%s: %s", text, err.text);
}

START_TEST(by_name_or_number)
{
	found("alice", 1000, 1001);
	found("nobody", 65534, 65534);
	found("1000", 1000, 1001);
	found("alice:kvm", 1000, 107);
	found("alice:107", 1000, 107);
	found("4711:4712", 4711, 4712);
	found("4711:kvm", 4711, 107);
	found("wheel:kvm", 1002, 107);
}
END_TEST

START_TEST(who_is_not_there)
{
	refused("bob", "there is no user 'bob' in /tmp/ferry-user-");
	refused("4711", "there is no user '4711' in");
	refused("alice:wheel", "there is no group 'wheel' in");
	refused("", "it takes a user's name or number");
	refused(":kvm", "it takes a user's name or number");
	refused("alice:", "it takes a user's name or number");
	refused("4294967295:1", "there is no user '4294967295'");
	refused("99999999999:1", "there is no user '99999999999'");
	refused("-1:1", "there is no user '-1'");
}
END_TEST

START_TEST(root_is_no_other)
{
	refused("root", "'root': it is root");
	refused("0:1", "'0:1': it is root");
	refused("wheel", "'wheel': its group is root's");
	refused("alice:0", "'alice:0': its group is root's");
}
END_TEST

START_TEST(without_the_files)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/passwd", etc);
	ck_assert_int_eq(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/group", etc);
	ck_assert_int_eq(unlink(path), 0);
	refused("alice", "/passwd cannot be read: No such file or directory: give numbers");
	refused("1:kvm", "/group cannot be read");
	found("4711:4712", 4711, 4712);
}
END_TEST

enum surroundings { HOST, CONTAINER, ALONE };

/* In a user namespace of its own it may not even leave its groups. */
static bool surround(enum surroundings where)
{
	const gid_t groups[] = {4, 5};

	if (where == ALONE)
		return unshare(CLONE_NEWUSER) == 0;
	if (setgroups(2, groups))
		return false;
	return where == HOST || capability_keep(1 << CAP_SETUID | 1 << CAP_SETGID) == 0;
}

/* A child that becomes another user, and waits for its end. */
static pid_t become(enum surroundings where, int *end)
{
	const struct user other = {.uid = 4711, .gid = 4712};
	int ready[2], wait_for[2];
	char byte;
	pid_t child;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(wait_for, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		close(ready[0]);
		close(wait_for[1]);
		if (!surround(where))
			_exit(2);
		byte = user_change(&other, false, &err) == 0 ? 'y' : 'n';
		if (write(ready[1], &byte, 1) != 1 || read(wait_for[0], &byte, 1) != 0)
			_exit(4);
		_exit(0);
	}
	close(ready[1]);
	close(wait_for[0]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(byte, where == ALONE ? 'n' : 'y');
	close(ready[0]);
	*end = wait_for[1];
	return child;
}

static void finish(pid_t child, int end)
{
	int status;

	close(end);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

static void status_says(pid_t child, const char *wanted)
{
	char path[64], line[256];
	bool there = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", child);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file))
		there = there || strncmp(line, wanted, strlen(wanted)) == 0;
	fclose(file);
	ck_assert_msg(there, "no '%s' in %s", wanted, path);
}

static bool own_namespace(pid_t child, const char *name)
{
	char path[64], its[64] = "", ours[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", child, name);
	ck_assert_int_gt(readlink(path, its, sizeof(its) - 1), 0);
	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	ck_assert_int_gt(readlink(path, ours, sizeof(ours) - 1), 0);
	return strcmp(its, ours) != 0;
}

static unsigned int count_entries(const char *command, pid_t child)
{
	char line[128];
	unsigned int count = 0;
	FILE *output;

	snprintf(line, sizeof(line), command, child);
	output = popen(line, "re");
	ck_assert_ptr_nonnull(output);
	while (fgets(line, sizeof(line), output))
		count++;
	ck_assert_int_eq(pclose(output), 0);
	return count;
}

/* As proc(5) tells it of the child. */
START_TEST(what_a_process_becomes)
{
	int end;
	pid_t child = become(HOST, &end);

	status_says(child, "Uid:\t4711\t4711\t4711\t4711\n");
	status_says(child, "Gid:\t4712\t4712\t4712\t4712\n");
	status_says(child, "Groups:\t \n");
	status_says(child, "CapPrm:\t0000000000000000\n");
	status_says(child, "CapEff:\t0000000000000000\n");
	ck_assert(own_namespace(child, "mnt"));
	ck_assert(own_namespace(child, "net"));
	ck_assert(own_namespace(child, "ipc"));
	ck_assert(!own_namespace(child, "pid"));
	/* sys, which cannot be written to. */
	ck_assert_uint_eq(count_entries("ls -A /proc/%d/root/", child), 1);
	ck_assert_uint_eq(count_entries("ls -d /proc/%d/root/sys/kernel", child), 1);
	ck_assert_uint_eq(count_entries("grep -v '^[^ ]* /\\(sys[^ ]*\\)\\? ' /proc/%d/mounts || :",
					child),
			  0);
	/* Nothing of it is seen outside. */
	ck_assert_int_eq(access("/proc/self/status", R_OK), 0);
	ck_assert_int_eq(access(etc, R_OK), 0);
	finish(child, end);
}
END_TEST

/* Without namespaces it is another user all the same. */
START_TEST(where_namespaces_are_refused)
{
	int end;
	pid_t child = become(CONTAINER, &end);

	status_says(child, "Uid:\t4711\t4711\t4711\t4711\n");
	status_says(child, "Gid:\t4712\t4712\t4712\t4712\n");
	status_says(child, "Groups:\t \n");
	status_says(child, "CapPrm:\t0000000000000000\n");
	ck_assert(!own_namespace(child, "mnt"));
	ck_assert(!own_namespace(child, "net"));
	ck_assert_uint_gt(count_entries("ls -A /proc/%d/root/", child), 2);
	finish(child, end);
}
END_TEST

/* One that may not, as in a user namespace where nobody else is, is told so. */
START_TEST(one_that_may_not)
{
	int end;
	pid_t child = become(ALONE, &end);

	finish(child, end);
}
END_TEST

START_TEST(only_root_may)
{
	ck_assert_int_eq(user_check(&err), 0);
	ck_assert_int_eq(seteuid(65534), 0);
	ck_assert_int_eq(user_check(&err), -EPERM);
	ck_assert_str_eq(err.text,
			 "only root becomes another user, and this is user 65534: leave it out");
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* Whether this test may do at all what is tried. */
static bool may_change(const char *test)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
				      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
			      ? 0
			      : 1);
	waitpid(child, &status, 0);
	if (status)
		printf("%s is skipped: this process may have no namespaces of its own\n", test);
	return status == 0;
}

/* A process with threads, as emulators and thread sanitizers make one of each, may not. */
static bool may_be_alone(const char *test)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
	waitpid(child, &status, 0);
	if (status)
		printf("%s is skipped: this process may have no user namespace of its own\n", test);
	return status == 0;
}

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, by_name_or_number);
	tcase_add_test(tests, who_is_not_there);
	tcase_add_test(tests, root_is_no_other);
	tcase_add_test(tests, without_the_files);
	if (may_change("what_a_process_becomes")) {
		tcase_add_test(tests, what_a_process_becomes);
		tcase_add_test(tests, where_namespaces_are_refused);
		tcase_add_test(tests, only_root_may);
		if (may_be_alone("one_that_may_not"))
			tcase_add_test(tests, one_that_may_not);
	}
}

int main(void)
{
	return run_suite("sandbox user", add_tests);
}
