/* SPDX-License-Identifier: BSD-3-Clause */
/* How a PrimeCell says what it is: a byte in each of its last eight words. */

#include <check.h>

#include "devices/primecell.h"
#include "tests/unit/support/suite.h"

START_TEST(each_word_has_its_byte)
{
	static const uint8_t expected[] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

	for (uint64_t i = 0; i < sizeof(expected); i++) {
		uint32_t value = UINT32_MAX;

		ck_assert(primecell_identify(0xfe0 + 4 * i, 0x00341011, &value));
		ck_assert_uint_eq(value, expected[i]);
	}
}
END_TEST

START_TEST(the_devices_own_registers_are_left_to_it)
{
	uint32_t value = 5;

	ck_assert(!primecell_identify(0, 0x00341011, &value));
	ck_assert(!primecell_identify(0xfdc, 0x00341011, &value));
	ck_assert_uint_eq(value, 5);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, each_word_has_its_byte);
	tcase_add_test(tests, the_devices_own_registers_are_left_to_it);
}

int main(void)
{
	return run_suite("primecell", add_tests);
}
