/* SPDX-License-Identifier: BSD-3-Clause */
/* A table in a file: whole or not at all, in a folder that is made. */

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/dump.h"
#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"

static struct err err;

START_TEST(a_file_is_made_and_replaced)
{
	char text[16] = "";
	FILE *file;

	ck_assert_int_eq(dump_file("table", fake_tree_path("table"), "longer text", 11, &err), 0);
	ck_assert_int_eq(dump_file("table", fake_tree_path("table"), "text", 4, &err), 0);
	file = fopen(fake_tree_path("table"), "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fread(text, 1, sizeof(text), file), 4);
	ck_assert_mem_eq(text, "text", 4);
	fclose(file);
}
END_TEST

START_TEST(where_none_can_be_is_told)
{
	ck_assert_int_eq(dump_file("table", fake_tree_path("none/table"), "text", 4, &err),
			 -ENOENT);
	ck_assert(strncmp(err.text, "table: cannot create /", 22) == 0);
	ck_assert_ptr_nonnull(strstr(err.text, "/none/table: No such file or directory"));
	/* A device takes nothing, and stays. */
	ck_assert_int_eq(dump_file("table", "/dev/full", "text", 4, &err), -ENOSPC);
	ck_assert_str_eq(err.text, "table: cannot write /dev/full: No space left on device");
	ck_assert_int_eq(access("/dev/full", F_OK), 0);
}
END_TEST

START_TEST(half_a_file_is_none)
{
	static const char bytes[8192];
	struct rlimit limit = {4096, 4096};

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(dump_file("table", fake_tree_path("table"), bytes, sizeof(bytes), &err),
			 -EFBIG);
	ck_assert_int_ne(access(fake_tree_path("table"), F_OK), 0);
}
END_TEST

START_TEST(a_folder_is_made_with_no_parents)
{
	struct stat status;

	ck_assert_int_eq(dump_folder("tables", fake_tree_path("folder"), &err), 0);
	ck_assert_int_eq(stat(fake_tree_path("folder"), &status), 0);
	ck_assert(S_ISDIR(status.st_mode));
	ck_assert_int_eq(dump_folder("tables", fake_tree_path("folder"), &err), 0);
	ck_assert_int_eq(dump_folder("tables", fake_tree_path("none/folder"), &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "tables: cannot create the folder /"));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_tree_create, fake_tree_remove);
	tcase_add_test(tests, a_file_is_made_and_replaced);
	tcase_add_test(tests, where_none_can_be_is_told);
	tcase_add_test(tests, half_a_file_is_none);
	tcase_add_test(tests, a_folder_is_made_with_no_parents);
}

int main(void)
{
	return run_suite("dump", add_tests);
}
