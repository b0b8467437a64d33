/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose the names are that a process makes for the user that it becomes. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/owner.h"

START_TEST(nobody_is_given_anything_unasked)
{
	errno = 7;
	owner_give("/no/such/name");
	ck_assert_int_eq(errno, 7);
}
END_TEST

START_TEST(what_is_made_is_the_users)
{
	char path[] = "/tmp/ferry-owner-XXXXXX";
	struct stat status;

	close(mkstemp(path));
	/* This user, where it may give nothing to another. */
	owner_set(geteuid() ? geteuid() : 4711, geteuid() ? getegid() : 4712);
	owner_give(path);
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_uid, geteuid() ? geteuid() : 4711);
	ck_assert_uint_eq(status.st_gid, geteuid() ? getegid() : 4712);
	unlink(path);
	owner_give(path);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, nobody_is_given_anything_unasked);
	tcase_add_test(tests, what_is_made_is_the_users);
}

int main(void)
{
	return run_suite("owner", add_tests);
}
