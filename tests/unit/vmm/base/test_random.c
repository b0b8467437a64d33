/* SPDX-License-Identifier: BSD-3-Clause */
/* Random bytes are other ones each time, by the call and by the device that was held. */

#include <check.h>
#include <string.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/held.h"
#include "vmm/base/random.h"

static void fill_twice(void)
{
	char one[64] = {0}, other[64] = {0}, zero[64] = {0};

	ck_assert(random_fill(one, sizeof(one)));
	ck_assert(random_fill(other, sizeof(other)));
	ck_assert_mem_ne(one, other, sizeof(one));
	ck_assert_mem_ne(one + 32, zero, 32);
}

START_TEST(by_the_call)
{
	fill_twice();
	ck_assert_int_eq(held_descriptor(HELD_RANDOM, 0), -1);
}
END_TEST

START_TEST(by_the_device_that_is_held)
{
	random_hold();
	ck_assert_int_gt(held_descriptor(HELD_RANDOM, 0), 0);
	fill_twice();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, by_the_call);
	tcase_add_test(tests, by_the_device_that_is_held);
}

int main(void)
{
	return run_suite("random", add_tests);
}
