/* SPDX-License-Identifier: BSD-3-Clause */
/* A device tree in a file: what was built, all of it, or nothing. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arch/fdt/dump.h"
#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"

static struct err err;
static int answer;

static int build(const void *config, void *blob, size_t size, struct err *to)
{
	ck_assert_ptr_eq(config, &answer);
	ck_assert_uint_gt(size, 4096);
	if (answer < 0)
		return err_set(to, answer, "no tree");
	memset(blob, 't', (size_t)answer);
	return answer;
}

START_TEST(what_was_built_is_written)
{
	char text[512];
	FILE *file;

	answer = 300;
	ck_assert_msg(dt_dump(fake_tree_path("tree"), build, &answer, &err) == 0, "%s", err.text);
	file = fopen(fake_tree_path("tree"), "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fread(text, 1, sizeof(text), file), 300);
	ck_assert(text[0] == 't' && text[299] == 't');
	fclose(file);
}
END_TEST

START_TEST(what_was_not_built_is_not_written)
{
	answer = -ENOSPC;
	ck_assert_int_eq(dt_dump(fake_tree_path("tree"), build, &answer, &err), -ENOSPC);
	ck_assert_str_eq(err.text, "no tree");
	ck_assert_int_ne(access(fake_tree_path("tree"), F_OK), 0);
	answer = 300;
	ck_assert_int_eq(dt_dump("/dev/full", build, &answer, &err), -ENOSPC);
	ck_assert_str_eq(err.text,
			 "device tree dump: cannot write /dev/full: No space left on device");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, fake_tree_create, fake_tree_remove);
	tcase_add_test(tests, what_was_built_is_written);
	tcase_add_test(tests, what_was_not_built_is_not_written);
}

int main(void)
{
	return run_suite("fdt dump", add_tests);
}
