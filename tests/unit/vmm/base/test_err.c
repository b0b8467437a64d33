/* SPDX-License-Identifier: BSD-3-Clause */
/* Sentences of errors: what they keep, take before them and cut. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

START_TEST(err_keeps_the_code_and_takes_prefixes)
{
	struct err err = {0};

	ck_assert_int_eq(err_set(&err, -ENOENT, "kernel: %s: %s", "vmlinux", err_text(-ENOENT)),
			 -ENOENT);
	ck_assert_int_eq(err_prefix(&err, "machine %d", 7), -ENOENT);
	ck_assert_str_eq(err.text, "machine 7: kernel: vmlinux: No such file or directory");
	ck_assert_int_eq(err_set(NULL, -EIO, "nobody listens"), -EIO);
}
END_TEST

START_TEST(err_cuts_what_does_not_fit)
{
	struct err err = {0};
	char longer[2 * sizeof(err.text)];

	memset(longer, 'y', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_set(&err, -EINVAL, "%s", longer);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	ck_assert_int_eq(err_prefix(&err, "before"), -EINVAL);
	ck_assert(strncmp(err.text, "before: yyy", 11) == 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, err_keeps_the_code_and_takes_prefixes);
	tcase_add_test(tests, err_cuts_what_does_not_fit);
}

int main(void)
{
	return run_suite("err", add_tests);
}
