/* SPDX-License-Identifier: BSD-3-Clause */
/* An architecture without a debugger: it refuses all of it, and the machine says so. */

#include <check.h>
#include <errno.h>

#include "arch/debug.h"
#include "tests/unit/support/suite.h"

static struct err err;

START_TEST(nothing_is_supported)
{
	struct arch_debug_support support = {.step = true, .breakpoints = 4};

	ck_assert_int_eq(arch_debug_support(NULL, NULL, &support), -EOPNOTSUPP);
	ck_assert(!support.step && support.breakpoints == 0);
	ck_assert_ptr_null(arch_debug_description(NULL, "target.xml"));
}
END_TEST

START_TEST(there_are_no_registers)
{
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX] = {0};
	uint64_t pc;

	ck_assert_uint_eq(arch_debug_register_count(NULL), 0);
	ck_assert_uint_eq(arch_debug_general_count(NULL), 0);
	ck_assert_uint_eq(arch_debug_register_size(NULL, 0), 0);
	ck_assert_uint_eq(arch_debug_pc_register(NULL), 0);
	ck_assert_int_eq(arch_debug_register_read(NULL, NULL, 0, bytes), -ENOENT);
	ck_assert_int_eq(arch_debug_register_write(NULL, NULL, 0, bytes), -ENOENT);
	ck_assert_int_eq(arch_debug_pc(NULL, NULL, &pc), -EOPNOTSUPP);
}
END_TEST

START_TEST(a_vcpu_is_stopped_for_nothing)
{
	struct arch_debug_support support = {0};
	struct arch_debug_point point = {.kind = ARCH_DEBUG_BREAK, .length = 1};
	struct arch_debug_control control = {0};
	struct arch_debug_stop stop = {.event = ARCH_DEBUG_WATCH};
	size_t size = 1;

	ck_assert_int_eq(arch_debug_check_points(&support, NULL, 0), 0);
	ck_assert_int_eq(arch_debug_check_points(&support, &point, 1), -EOPNOTSUPP);
	ck_assert_int_eq(arch_debug_control(NULL, NULL, &control), 0);
	control.step = true;
	ck_assert_int_eq(arch_debug_control(NULL, NULL, &control), -EOPNOTSUPP);
	ck_assert_int_eq(arch_debug_stepped(NULL, NULL), 0);
	ck_assert_ptr_null(arch_debug_breakpoint(1, &size));
	ck_assert_uint_eq(size, 0);
	arch_debug_decode(NULL, NULL, &stop);
	ck_assert_int_eq(stop.event, ARCH_DEBUG_STEPPED);
	ck_assert_int_eq(arch_debug_reinject(NULL, NULL), -EOPNOTSUPP);
	arch_debug_reset(NULL, 0);
	arch_debug_free(NULL);
}
END_TEST

START_TEST(addresses_are_not_translated)
{
	struct arch_translation translation;
	struct arch_kernel_place place;

	ck_assert_int_eq(arch_debug_translate(NULL, NULL, 0, &translation, NULL), -EOPNOTSUPP);
	ck_assert_int_eq(arch_debug_find_kernel(NULL, NULL, NULL, &place, &err), -ENOENT);
	ck_assert_str_eq(err.text, "kernel: how this architecture places it is not known");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, nothing_is_supported);
	tcase_add_test(tests, there_are_no_registers);
	tcase_add_test(tests, a_vcpu_is_stopped_for_nothing);
	tcase_add_test(tests, addresses_are_not_translated);
}

int main(void)
{
	return run_suite("no_debug", add_tests);
}
