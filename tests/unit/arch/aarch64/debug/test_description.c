/* SPDX-License-Identifier: BSD-3-Clause */
/* The description that gdb gets: without a list of KVM's, and where pointers are signed. */

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/arch/aarch64/debug/test_registers.h"
#include "tests/unit/support/suite.h"

START_TEST(without_a_list_the_general_registers_remain)
{
	machine.list_answer = -EIO;
	ck_assert_uint_eq(arch_debug_register_count(arch), 68);
	ck_assert_ptr_null(strstr(arch_debug_description(arch, "target.xml"), "org.ferry"));
	ck_assert_uint_eq(number_of("fpcr"), 67);
}
END_TEST

START_TEST(masks_of_signatures_are_there_where_pointers_are_signed)
{
	ck_assert_ptr_null(strstr(arch_debug_description(arch, "target.xml"), "pauth"));
	ck_assert_ptr_null(arch_debug_description(arch, "other.xml"));
	arch_debug_free(arch->debug);
	arch->debug = NULL;
	arch->init.features[0] = 1U << KVM_ARM_VCPU_PTRAUTH_ADDRESS;
	machine_set(DEBUG_TCR_EL1, UINT64_C(1) << 37 | 16 << 16 | 25);
	ck_assert_uint_eq(number_of("pauth_dmask"), 68);
	ck_assert_uint_eq(read_value(68), 0x007fff8000000000);
	ck_assert_uint_eq(read_value(69), 0x007fff8000000000);
	ck_assert_uint_eq(read_value(number_of("pauth_cmask_high")), 0xff7f000000000000);
	ck_assert_int_eq(write_value(71, 0), -EACCES);
	ck_assert_uint_eq(arch_debug_general_count(arch), 72);
	ck_assert_uint_eq(read_value(number_of("VBAR_EL1")), VECTORS);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, machine_set_up, machine_tear_down);
	tcase_add_test(tests, without_a_list_the_general_registers_remain);
	tcase_add_test(tests, masks_of_signatures_are_there_where_pointers_are_signed);
}

int main(void)
{
	return run_suite("aarch64 debug description", add_tests);
}
