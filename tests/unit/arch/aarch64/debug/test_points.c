/* SPDX-License-Identifier: BSD-3-Clause */
/* Breakpoints and watchpoints in arm64's debug registers, and which of them an access met. */

#include <check.h>
#include <errno.h>

#include "arch/aarch64/debug/points.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

#define KERNEL UINT64_C(0xffff800008011000)

static const struct arch_debug_support support = {.breakpoints = 6, .watchpoints = 4};
static struct debug_encoding encoding;

static int encode(enum arch_debug_kind kind, uint64_t address, uint64_t length)
{
	const struct arch_debug_point point = {kind, address, length};

	return debug_points_encode(&support, &point, 1, &encoding);
}

START_TEST(a_breakpoint_is_of_one_instruction_at_both_levels)
{
	ck_assert_int_eq(encode(ARCH_DEBUG_BREAK, KERNEL + 4, 1), 0);
	ck_assert_uint_eq(encoding.breakpoints, 1);
	ck_assert_uint_eq(encoding.watchpoints, 0);
	ck_assert_uint_eq(encoding.breakpoint[0].control, 0x1e7);
	ck_assert_uint_eq(encoding.breakpoint[0].value, KERNEL + 4);
	ck_assert_uint_eq(encoding.breakpoint[1].control, 0);
	ck_assert_int_eq(encode(ARCH_DEBUG_BREAK, KERNEL + 2, 1), -EINVAL);
	/* A tag is no part of what the processor compares. */
	ck_assert_int_eq(encode(ARCH_DEBUG_BREAK, 0xab00000000001000, 1), 0);
	ck_assert_uint_eq(encoding.breakpoint[0].value, 0x1000);
}
END_TEST

START_TEST(watchpoints_cover_exactly_their_bytes)
{
	static const struct {
		enum arch_debug_kind kind;
		uint64_t address, length;
		unsigned int count;
		struct debug_register parts[4];
	} cases[] = {
		/*
		 * Enable 1, both levels 6, load 8, store 0x10, bytes from bit 5, mask from bit 24.
		 */
		{ARCH_DEBUG_WRITE, 0x1000, 8, 1, {{0x1ff7, 0x1000}}},
		{ARCH_DEBUG_READ, 0x1000, 4, 1, {{0x1ef, 0x1000}}},
		{ARCH_DEBUG_ACCESS, 0x1004, 4, 1, {{0x1e1f, 0x1000}}},
		{ARCH_DEBUG_WRITE, 0x1003, 1, 1, {{0x117, 0x1000}}},
		{ARCH_DEBUG_WRITE, 0x1001, 6, 1, {{0xfd7, 0x1000}}},
		{ARCH_DEBUG_WRITE, 0x1000, 16, 1, {{0x4001ff7, 0x1000}}},
		{ARCH_DEBUG_WRITE, KERNEL, 4096, 1, {{0xc001ff7, KERNEL}}},
		{ARCH_DEBUG_WRITE, 0, UINT64_C(1) << 31, 1, {{0x1f001ff7, 0}}},
		{ARCH_DEBUG_WRITE,
		 0,
		 UINT64_C(1) << 32,
		 2,
		 {{0x1f001ff7, 0}, {0x1f001ff7, 0x80000000}}},
		{ARCH_DEBUG_WRITE, 0x1006, 4, 2, {{0x1817, 0x1000}, {0x77, 0x1008}}},
		{ARCH_DEBUG_WRITE,
		 0x1007,
		 25,
		 3,
		 {{0x1017, 0x1000}, {0x1ff7, 0x1008}, {0x4001ff7, 0x1010}}},
		{ARCH_DEBUG_WRITE, 0x1008, 16, 2, {{0x1ff7, 0x1008}, {0x1ff7, 0x1010}}},
		{ARCH_DEBUG_WRITE, UINT64_MAX, 1, 1, {{0x1017, UINT64_MAX - 7}}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_int_eq(encode(cases[i].kind, cases[i].address, cases[i].length), 0);
		ck_assert_uint_eq(encoding.watchpoints, cases[i].count);
		for (unsigned int part = 0; part < cases[i].count; part++)
			ck_assert_msg(encoding.watchpoint[part].control ==
						      cases[i].parts[part].control &&
					      encoding.watchpoint[part].value ==
						      cases[i].parts[part].value,
				      "case %zu, part %u: %llx, %llx", i, part,
				      (unsigned long long)encoding.watchpoint[part].control,
				      (unsigned long long)encoding.watchpoint[part].value);
	}
}
END_TEST

START_TEST(what_cannot_be_watched_is_refused)
{
	struct arch_debug_point points[7] = {0};

	ck_assert_int_eq(encode(ARCH_DEBUG_WRITE, 0x1000, 0), -EINVAL);
	ck_assert_int_eq(encode(ARCH_DEBUG_WRITE, UINT64_MAX, 2), -EINVAL);
	/* Five parts where there are four registers. */
	ck_assert_int_eq(encode(ARCH_DEBUG_WRITE, 0x1007, 58), -ENOSPC);
	ck_assert_int_eq(encode(ARCH_DEBUG_WRITE, 0, UINT64_MAX), -ENOSPC);
	ck_assert_int_eq(debug_points_encode(&support, points, 6, &encoding), 0);
	ck_assert_int_eq(debug_points_encode(&support, points, 7, &encoding), -ENOSPC);
	ck_assert_int_eq(debug_points_encode(&support, NULL, 0, &encoding), 0);
	ck_assert_uint_eq(encoding.breakpoints + encoding.watchpoints, 0);
	/* The kinds do not share. */
	points[6] = (struct arch_debug_point){ARCH_DEBUG_READ, 0x1000, 1};
	ck_assert_int_eq(debug_points_encode(&support, points, 7, &encoding), 0);
	ck_assert_uint_eq(encoding.breakpoints, 6);
	ck_assert_uint_eq(encoding.watchpoints, 1);
}
END_TEST

START_TEST(an_access_is_told_of_the_nearest_point)
{
	const struct arch_debug_point points[] = {
		{ARCH_DEBUG_BREAK, 0x1000, 1},
		{ARCH_DEBUG_WRITE, 0x1008, 8},
		{ARCH_DEBUG_READ, 0x1010, 4},
		{ARCH_DEBUG_ACCESS, KERNEL, 2},
	};
	static const struct {
		uint64_t address;
		bool write;
		int point;
		uint64_t within;
	} cases[] = {
		{0x100a, true, 1, 0x100a},
		/* A pair that begins below. */
		{0x1000, true, 1, 0x1008},
		{0x1018, true, 1, 0x100f},
		{0x1012, false, 2, 0x1012},
		{0x1008, false, 2, 0x1010},
		{KERNEL + 1, true, 3, KERNEL + 1},
		{KERNEL - 8, false, 3, KERNEL},
		/* With a tag. */
		{0xabff800008011000, true, 3, KERNEL},
		{0xcd0000000000100a, true, 1, 0x100a},
	};
	uint64_t within;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_ptr_eq(debug_points_match(points, ARRAY_SIZE(points), cases[i].address,
						    cases[i].write, &within),
				 &points[cases[i].point]);
		ck_assert_uint_eq(within, cases[i].within);
	}
	/* None watches for such: whatever there is. */
	ck_assert_ptr_eq(debug_points_match(points, 2, 0x1008, false, &within), &points[1]);
	ck_assert_ptr_null(debug_points_match(points, 1, 0x1000, true, &within));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_breakpoint_is_of_one_instruction_at_both_levels);
	tcase_add_test(tests, watchpoints_cover_exactly_their_bytes);
	tcase_add_test(tests, what_cannot_be_watched_is_refused);
	tcase_add_test(tests, an_access_is_told_of_the_nearest_point);
}

int main(void)
{
	return run_suite("aarch64 debug points", add_tests);
}
