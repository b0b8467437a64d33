/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic with ranges, powers of two and bytes. */

#include <check.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

START_TEST(ranges_do_not_wrap)
{
	ck_assert(range_fits(0, 0, 0));
	ck_assert(range_fits(4, 4, 8));
	ck_assert(!range_fits(5, 4, 8));
	ck_assert(!range_fits(UINT64_MAX - 1, 4, 8));
	ck_assert(!range_fits(4, UINT64_MAX, 8));
	ck_assert(ranges_overlap(0, 16, 15, 1));
	ck_assert(!ranges_overlap(0, 16, 16, 1));
	ck_assert(ranges_overlap(UINT64_MAX - 15, 16, UINT64_MAX, 1));
	ck_assert(!ranges_overlap(4, 0, 0, 16));
}
END_TEST

START_TEST(powers_and_bytes)
{
	uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	ck_assert_uint_eq(round_up_power_of_2(0), 1);
	ck_assert_uint_eq(round_up_power_of_2(3), 4);
	ck_assert_uint_eq(round_up_power_of_2((uint64_t)1 << 63), (uint64_t)1 << 63);
	ck_assert(!is_power_of_2(0) && is_power_of_2(4096) && !is_power_of_2(4097));
	ck_assert_uint_eq(all_ones(1), 0xff);
	ck_assert_uint_eq(all_ones(8), UINT64_MAX);
	ck_assert_uint_eq(load_le(bytes + 1, 3), 0x040302);
	ck_assert_uint_eq(load_le64(bytes), 0x0807060504030201);
	store_le16(bytes, 0xbeef);
	ck_assert_uint_eq(load_le32(bytes), 0x0403beef);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, ranges_do_not_wrap);
	tcase_add_test(tests, powers_and_bytes);
}

int main(void)
{
	return run_suite("bits", add_tests);
}
