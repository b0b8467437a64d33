/* SPDX-License-Identifier: BSD-3-Clause */
/* Points in debug registers: alignment, splitting, DR7's bits, which one was met. */

#include <check.h>
#include <errno.h>

#include "arch/x86_64/debug/points.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static struct debug_slots slots;

static int place(enum arch_debug_kind kind, uint64_t address, uint64_t length)
{
	const struct arch_debug_point point = {kind, address, length};

	return debug_slots_place(&point, 1, &slots);
}

START_TEST(refusals)
{
	const struct arch_debug_point five[] = {
		{ARCH_DEBUG_BREAK, 1, 1}, {ARCH_DEBUG_BREAK, 2, 1}, {ARCH_DEBUG_WRITE, 3, 1},
		{ARCH_DEBUG_BREAK, 4, 1}, {ARCH_DEBUG_BREAK, 5, 1},
	};

	ck_assert_int_eq(place(ARCH_DEBUG_READ, 0x1000, 4), -EOPNOTSUPP);
	ck_assert_int_eq(place(ARCH_DEBUG_WRITE, 0x1000, 0), -EINVAL);
	ck_assert_int_eq(place(ARCH_DEBUG_WRITE, 0x1000, 33), -EINVAL);
	ck_assert_int_eq(place(ARCH_DEBUG_WRITE, 0x1000, UINT64_MAX), -EINVAL);
	ck_assert_int_eq(place(ARCH_DEBUG_WRITE, UINT64_MAX, 2), -EINVAL);
	ck_assert_int_eq(place(ARCH_DEBUG_WRITE, UINT64_MAX, 1), 0);
	ck_assert_int_eq(place(ARCH_DEBUG_WRITE, UINT64_MAX - 7, 8), 0);
	ck_assert_int_eq(place(ARCH_DEBUG_BREAK, 0x1000, 2), -EINVAL);
	ck_assert_int_eq(place(ARCH_DEBUG_WRITE, 0x1001, 32), -ENOSPC);
	ck_assert_int_eq(debug_slots_place(five, 4, &slots), 0);
	ck_assert_int_eq(debug_slots_place(five, 5, &slots), -ENOSPC);
	ck_assert_int_eq(debug_slots_place(NULL, 0, &slots), 0);
	ck_assert_uint_eq(slots.count, 0);
}
END_TEST

START_TEST(splitting)
{
	static const struct {
		uint64_t address, length;
		unsigned int count;
		uint64_t lengths[DEBUG_SLOTS];
	} cases[] = {
		{0x1000, 1, 1, {1}},           {0x1001, 1, 1, {1}},
		{0x1002, 2, 1, {2}},           {0x1001, 2, 2, {1, 1}},
		{0x1000, 3, 2, {2, 1}},        {0x1001, 3, 2, {1, 2}},
		{0x1004, 4, 1, {4}},           {0x1002, 4, 2, {2, 2}},
		{0x1001, 4, 3, {1, 2, 1}},     {0x1008, 8, 1, {8}},
		{0x1004, 8, 2, {4, 4}},        {0x1001, 8, 4, {1, 2, 4, 1}},
		{0x1000, 16, 2, {8, 8}},       {0x1000, 32, 4, {8, 8, 8, 8}},
		{0x1000, 15, 4, {8, 4, 2, 1}}, {0x1004, 20, 3, {4, 8, 8}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t at = cases[i].address;

		ck_assert_int_eq(place(ARCH_DEBUG_ACCESS, at, cases[i].length), 0);
		ck_assert_uint_eq(slots.count, cases[i].count);
		for (unsigned int slot = 0; slot < slots.count; slot++) {
			ck_assert_uint_eq(slots.slots[slot].address, at);
			ck_assert_uint_eq(slots.slots[slot].length, cases[i].lengths[slot]);
			ck_assert_int_eq(slots.slots[slot].kind, ARCH_DEBUG_ACCESS);
			at += slots.slots[slot].length;
		}
		ck_assert_uint_eq(at, cases[i].address + cases[i].length);
	}
}
END_TEST

/* Figure 18-1 of the SDM: G0 to G3 in bits 1, 3, 5, 7, GE in 9, R/W and LEN from 16 on. */
START_TEST(encoding)
{
	static const struct {
		enum arch_debug_kind kind;
		uint64_t length, bits;
	} cases[] = {
		{ARCH_DEBUG_BREAK, 1, 0x0},  {ARCH_DEBUG_WRITE, 1, 0x1},
		{ARCH_DEBUG_WRITE, 2, 0x5},  {ARCH_DEBUG_WRITE, 4, 0xd},
		{ARCH_DEBUG_WRITE, 8, 0x9},  {ARCH_DEBUG_ACCESS, 1, 0x3},
		{ARCH_DEBUG_ACCESS, 2, 0x7}, {ARCH_DEBUG_ACCESS, 4, 0xf},
		{ARCH_DEBUG_ACCESS, 8, 0xb},
	};
	const struct arch_debug_point four[] = {
		{ARCH_DEBUG_BREAK, 0xffffffff81000001, 1},
		{ARCH_DEBUG_WRITE, 0x2004, 4},
		{ARCH_DEBUG_ACCESS, 0x3008, 8},
		{ARCH_DEBUG_WRITE, 0x4001, 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t registers[DEBUG_REGISTERS] = {0};

		ck_assert_int_eq(place(cases[i].kind, 0x1000, cases[i].length), 0);
		debug_slots_encode(&slots, registers);
		ck_assert_uint_eq(registers[0], 0x1000);
		ck_assert_uint_eq(registers[1], 0);
		ck_assert_uint_eq(registers[DEBUG_DR7], 0x602 | cases[i].bits << 16);
	}
	uint64_t registers[DEBUG_REGISTERS] = {0};

	ck_assert_int_eq(debug_slots_place(four, 4, &slots), 0);
	debug_slots_encode(&slots, registers);
	ck_assert_uint_eq(registers[0], 0xffffffff81000001);
	ck_assert_uint_eq(registers[1], 0x2004);
	ck_assert_uint_eq(registers[2], 0x3008);
	ck_assert_uint_eq(registers[3], 0x4001);
	ck_assert_uint_eq(registers[DEBUG_DR7], 0x1bd006aa);
	slots.count = 0;
	debug_slots_encode(&slots, registers);
	ck_assert_uint_eq(registers[DEBUG_DR7], 0x600);
}
END_TEST

START_TEST(which_was_met)
{
	const struct arch_debug_point points[] = {
		{ARCH_DEBUG_WRITE, 0x1004, 8},
		{ARCH_DEBUG_BREAK, 0x5000, 1},
	};

	ck_assert_int_eq(debug_slots_place(points, 2, &slots), 0);
	ck_assert_ptr_null(debug_slots_hit(&slots, 0xffff4ff0));
	ck_assert_uint_eq(debug_slots_hit(&slots, 1)->address, 0x1004);
	ck_assert_uint_eq(debug_slots_hit(&slots, 2)->address, 0x1008);
	ck_assert_uint_eq(debug_slots_hit(&slots, 3)->address, 0x1004);
	ck_assert_uint_eq(debug_slots_hit(&slots, 7)->address, 0x5000);
	ck_assert_ptr_null(debug_slots_hit(&slots, 8));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, refusals);
	tcase_add_test(tests, splitting);
	tcase_add_test(tests, encoding);
	tcase_add_test(tests, which_was_met);
}

int main(void)
{
	return run_suite("debug points", add_tests);
}
