/* SPDX-License-Identifier: BSD-3-Clause */
/* General and system registers as gdb has them, read and written. */

#include "tests/unit/arch/x86_64/debug/test_registers.h"
#include "tests/unit/arch/x86_64/debug/test_debug.h"
#include "tests/unit/support/suite.h"

START_TEST(general_registers)
{
	state.regs.rbx = 0x1122334455667788;
	state.regs.rflags = 0x246;
	state.regs.rip = 0xffffffff81000000;
	state.sregs.cs.selector = 0x10;
	state.sregs.gs.base = 0xffff888000001000;
	reads("rbx", 0x1122334455667788);
	reads("eflags", 0x246);
	reads("rip", 0xffffffff81000000);
	reads("cs", 0x10);
	reads("gs_base", 0xffff888000001000);
	writes("r15", 0x8877665544332211);
	ck_assert_uint_eq(state.regs.r15, 0x8877665544332211);
	ck_assert_uint_eq(state.regs.rbx, 0x1122334455667788);
	writes("eflags", 0x346);
	ck_assert_uint_eq(state.regs.rflags, 0x346);
	writes("fs_base", 0x7f0000001000);
	ck_assert_uint_eq(state.sregs.fs.base, 0x7f0000001000);
	ck_assert_uint_eq(state.sets, 3);
}
END_TEST

/* Elsewhere, as in a function that the debugger calls, nothing waits for an interrupt. */
START_TEST(who_has_halted_goes_where_it_is_sent)
{
	state.mp.mp_state = KVM_MP_STATE_HALTED;
	state.regs.rip = 0x1000;
	writes("rsp", 0x8000);
	writes("rip", 0x1000);
	ck_assert_uint_eq(state.mp.mp_state, KVM_MP_STATE_HALTED);
	writes("rip", 0x2000);
	ck_assert_uint_eq(state.mp.mp_state, KVM_MP_STATE_RUNNABLE);
	state.mp.mp_state = KVM_MP_STATE_HALTED;
	state.refused = KVM_SET_MP_STATE;
	ck_assert_int_eq(set("rip", 0x3000), -EINVAL);
}
END_TEST

START_TEST(system_registers)
{
	state.sregs.gdt.limit = 0x7f;
	state.sregs.tr.selector = 0x40;
	state.sregs.tr.limit = 0x4087;
	state.xcrs.xcrs[0].value = 7;
	state.msr = 0xffffffff81e00000;
	writes("cr3", 0x12345000);
	ck_assert_uint_eq(state.sregs.cr3, 0x12345000);
	writes("efer", 0xd01);
	reads("gdt_limit", 0x7f);
	reads("tr", 0x40);
	reads("tr_limit", 0x4087);
	reads("xcr0", 7);
	writes("xcr0", 3);
	ck_assert_uint_eq(state.xcrs.xcrs[0].value, 3);
	reads("lstar", 0xffffffff81e00000);
	ck_assert_uint_eq(state.msr_index, 0xc0000082);
	writes("kernel_gs_base", 0x1000);
	ck_assert_uint_eq(state.msr_index, 0xc0000102);
	ck_assert_uint_eq(state.msr, 0x1000);
}
END_TEST

START_TEST(what_cannot_be_written)
{
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX] = {0};

	state.sregs.cs.selector = 0x10;
	ck_assert_int_eq(set("cs", 0x18), -EACCES);
	ck_assert_int_eq(set("cs", 0x10010), -EINVAL);
	ck_assert_int_eq(set("gdt_limit", 0x10000), -EINVAL);
	ck_assert_int_eq(set("fctrl", 0x10000), -EINVAL);
	ck_assert_int_eq(set("cs", 0x10), 0);
	ck_assert_int_eq(set("rax", 0), 0);
	ck_assert_uint_eq(state.sets, 0);
	ck_assert_int_eq(arch_debug_register_write(&arch, vcpu, 98, bytes), -ENOENT);
	ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, 98, bytes), -ENOENT);
	state.refused = KVM_SET_SREGS;
	ck_assert_int_eq(set("cr4", 0xffff), -EINVAL);
	state.refused = KVM_GET_SREGS;
	ck_assert_int_eq(set("cr4", 0x20), -EINVAL);
	state.missing_msr = 0xc0000083;
	ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, by_name("cstar"), bytes), -ENODATA);
	ck_assert_int_eq(set("cstar", 1), -ENODATA);
	fake.missing = KVM_CAP_XCRS;
	ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, by_name("xcr0"), bytes), -ENODATA);
}
END_TEST

/* Every register takes what it is given and keeps it apart from all others. */
START_TEST(each_register_is_its_own)
{
	unsigned int count = arch_debug_register_count(&arch);
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX], expected[ARCH_DEBUG_REGISTER_MAX];

	memset(&state.fpu_area[XSTATE_BV], 7, 1);
	for (unsigned int number = 0; number < count; number++) {
		const struct x86_register *reg = &arch.debug->description.registers[number];

		if (reg->source == DEBUG_SELECTOR || reg->source == DEBUG_FXSAVE_TAG ||
		    reg->source == DEBUG_MSR)
			continue;
		memset(bytes, 0, sizeof(bytes));
		memset(bytes, (int)number + 1, reg->width);
		ck_assert_int_eq(arch_debug_register_write(&arch, vcpu, number, bytes), 0);
	}
	for (unsigned int number = 0; number < count; number++) {
		const struct x86_register *reg = &arch.debug->description.registers[number];

		if (reg->source == DEBUG_SELECTOR || reg->source == DEBUG_FXSAVE_TAG ||
		    reg->source == DEBUG_MSR)
			continue;
		memset(expected, 0, sizeof(expected));
		memset(expected, (int)number + 1, reg->width);
		ck_assert_int_eq(arch_debug_register_read(&arch, vcpu, number, bytes), 0);
		ck_assert_mem_eq(bytes, expected, reg->size);
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, general_registers);
	tcase_add_test(tests, who_has_halted_goes_where_it_is_sent);
	tcase_add_test(tests, system_registers);
	tcase_add_test(tests, what_cannot_be_written);
	tcase_add_test(tests, each_register_is_its_own);
}

int main(void)
{
	return run_suite("x86_64 debug registers", add_tests);
}
