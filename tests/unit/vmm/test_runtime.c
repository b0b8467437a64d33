/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of a user's monitors: where it is, who is in it, whose folder it may be. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vmm/runtime.h"

static char run[PATH_MAX], folder[PATH_MAX], path[PATH_MAX], socket_path[PATH_MAX];
static struct err err;

static void set_up(void)
{
	fake_tree_create();
	fake_tree_folder("run");
	fake_tree_write("socket", "");
	snprintf(run, sizeof(run), "%s", fake_tree_path("run"));
	snprintf(socket_path, sizeof(socket_path), "%s", fake_tree_path("socket"));
	setenv("XDG_RUNTIME_DIR", run, 1);
	err = (struct err){0};
	ck_assert_int_eq(runtime_folder(run, folder, &err), 0);
}

static int enter(void)
{
	return runtime_enter(run, socket_path, path, &err);
}

START_TEST(each_user_has_a_folder)
{
	char wanted[PATH_MAX + 32];

	snprintf(wanted, sizeof(wanted), "%s/ferry%s", run, geteuid() ? "" : "/monitors");
	ck_assert_str_eq(folder, wanted);
	if (geteuid() == 0 && seteuid(1))
		return;
	unsetenv("XDG_RUNTIME_DIR");
	ck_assert_int_eq(runtime_folder("/run", folder, &err), -ENOENT);
	/* What was in the buffer is not looked at. */
	memset(path, 'p', sizeof(path));
	ck_assert_int_eq(runtime_entry("/run", "1", path, &err), -ENOENT);
	setenv("XDG_RUNTIME_DIR", "relative", 1);
	ck_assert_int_eq(runtime_folder("/run", folder, &err), -ENOENT);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(a_process_is_listed_by_its_number)
{
	char wanted[PATH_MAX + 32], target[PATH_MAX] = "";
	struct stat status;

	ck_assert_msg(enter() == 0, "%s", err.text);
	snprintf(wanted, sizeof(wanted), "%s/%d.sock", folder, (int)getpid());
	ck_assert_str_eq(path, wanted);
	ck_assert_int_gt(readlink(path, target, sizeof(target) - 1), 0);
	ck_assert_str_eq(target, socket_path);
	ck_assert_int_eq(lstat(folder, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0700);
	/* One that had the number before is forgotten. */
	ck_assert_int_eq(enter(), 0);
}
END_TEST

START_TEST(a_folder_of_others_is_not_used)
{
	ck_assert_int_eq(enter(), 0);
	ck_assert_int_eq(chmod(folder, 0777), 0);
	ck_assert_int_eq(enter(), -EPERM);
	ck_assert_msg(strstr(err.text, "no folder of this user's alone"), "%s", err.text);
}
END_TEST

START_TEST(what_cannot_be_is_told)
{
	ck_assert_int_eq(runtime_enter(run, "/nonexistent/socket", path, &err), -ENOENT);
	ck_assert_msg(strstr(err.text, "/nonexistent/socket: No such file"), "%s", err.text);
	ck_assert_int_eq(rmdir(folder), 0);
	ck_assert_int_eq(symlink("/tmp", folder), 0);
	ck_assert_int_eq(enter(), -EPERM);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, fake_tree_remove);
	tcase_add_test(tests, each_user_has_a_folder);
	tcase_add_test(tests, a_process_is_listed_by_its_number);
	tcase_add_test(tests, a_folder_of_others_is_not_used);
	tcase_add_test(tests, what_cannot_be_is_told);
}

int main(void)
{
	return run_suite("runtime", add_tests);
}
