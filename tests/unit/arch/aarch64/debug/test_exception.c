/* SPDX-License-Identifier: BSD-3-Clause */
/* Exceptions that a debugger gives back to the guest. */

#include "arch/aarch64/debug/exception.h"
#include "tests/unit/arch/aarch64/debug/test_debug.h"
#include "tests/unit/support/suite.h"

START_TEST(a_brk_of_the_guests_own_is_its_exception)
{
	machine_set(CORE_PSTATE, 0x60400005);
	machine_set(DEBUG_SCTLR_EL1, UINT64_C(1) << 23);
	ck_assert_int_eq(arch_debug_reinject(arch, vcpu), -EINVAL);
	ck_assert_int_eq(control(&(struct arch_debug_control){.software = true}), 0);
	stop_with(0xf2000800, 0);
	ck_assert_int_eq(arch_debug_reinject(arch, vcpu), 0);
	ck_assert_uint_eq(machine_get(CORE_PC), VECTORS + 0x200);
	ck_assert_uint_eq(machine_get(CORE_PSTATE), 0x604003c5);
	ck_assert_uint_eq(machine_get(CORE_SPSR), 0x60400005);
	ck_assert_uint_eq(machine_get(CORE_ELR), STEPPED_PC);
	ck_assert_uint_eq(machine_get(DEBUG_ESR_EL1), 0xf2000800);
	/* Once. */
	ck_assert_int_eq(arch_debug_reinject(arch, vcpu), -EINVAL);
}
END_TEST

START_TEST(pstate_of_an_exception_follows_the_processor)
{
	const uint64_t span = UINT64_C(1) << 23, dssbs = UINT64_C(1) << 44;
	const uint64_t pan = UINT64_C(1) << 20, mte = 2 << 8;

	ck_assert_uint_eq(exception_offset(0), 0x400);
	ck_assert_uint_eq(exception_offset(0x60000010), 0x600);
	ck_assert_uint_eq(exception_offset(0x3c4), 0);
	/* Flags and DIT stay; SS, IL, UAO, BTYPE, SSBS and TCO go. */
	ck_assert_uint_eq(exception_pstate(0xf3b01c00, span, 0, 0), 0xf10003c5);
	ck_assert_uint_eq(exception_pstate(0, 0, 0, 0), 0x3c5);
	ck_assert_uint_eq(exception_pstate(0, 0, pan, 0), 0x4003c5);
	ck_assert_uint_eq(exception_pstate(0, span, pan, 0), 0x3c5);
	ck_assert_uint_eq(exception_pstate(0x400000, span, pan, 0), 0x4003c5);
	ck_assert_uint_eq(exception_pstate(0, dssbs, 0, 0), 0x13c5);
	ck_assert_uint_eq(exception_pstate(0, 0, 0, mte), 0x20003c5);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, machine_set_up, machine_tear_down);
	tcase_add_test(tests, a_brk_of_the_guests_own_is_its_exception);
	tcase_add_test(tests, pstate_of_an_exception_follows_the_processor);
}

int main(void)
{
	return run_suite("aarch64 debug exception", add_tests);
}
