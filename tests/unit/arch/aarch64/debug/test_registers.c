/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers as gdb has them: general ones, vectors, those of the system that KVM lists. */

#include "tests/unit/arch/aarch64/debug/test_registers.h"
#include "tests/unit/support/suite.h"

#define SYSTEM_MIDR    ARM64_SYS_REG(3, 0, 0, 0, 0)
#define SYSTEM_UNNAMED ARM64_SYS_REG(3, 0, 15, 7, 7)

START_TEST(general_registers_have_gdbs_numbers)
{
	uint64_t pc;

	ck_assert_uint_eq(arch_debug_general_count(arch), 68);
	ck_assert_uint_eq(read_value(0), 0x100);
	ck_assert_uint_eq(read_value(30), 0x11e);
	ck_assert_uint_eq(read_value(32), STEPPED_PC);
	ck_assert_uint_eq(arch_debug_pc_register(arch), 32);
	ck_assert_int_eq(write_value(30, 7), 0);
	ck_assert_uint_eq(machine_get(VCPU_CORE_REGISTER(regs.regs[30])), 7);
	ck_assert_int_eq(write_value(32, 0x1234), 0);
	ck_assert_int_eq(arch_debug_pc(arch, vcpu, &pc), 0);
	ck_assert_uint_eq(pc, 0x1234);
	ck_assert_uint_eq(arch_debug_register_size(arch, 0), 8);
	ck_assert_uint_eq(arch_debug_register_size(arch, 33), 4);
	ck_assert_uint_eq(arch_debug_register_size(arch, 34), 16);
	ck_assert_uint_eq(arch_debug_register_size(arch, 65), 16);
	ck_assert_uint_eq(arch_debug_register_size(arch, 66), 4);
	ck_assert_uint_eq(arch_debug_register_size(arch, 67), 4);
}
END_TEST

START_TEST(sp_is_the_one_in_use)
{
	ck_assert_uint_eq(read_value(31), 0x5e11);
	machine_set(CORE_PSTATE, PSTATE_EL1T);
	ck_assert_uint_eq(read_value(31), 0x5e10);
	machine_set(CORE_PSTATE, PSTATE_EL0);
	ck_assert_int_eq(write_value(31, 0x77), 0);
	ck_assert_uint_eq(machine_get(VCPU_CORE_REGISTER(regs.sp)), 0x77);
	ck_assert_uint_eq(machine_get(VCPU_CORE_REGISTER(sp_el1)), 0x5e11);
}
END_TEST

START_TEST(cpsr_is_the_low_half_of_pstate)
{
	machine_set(CORE_PSTATE, UINT64_C(0x1600003c5));
	ck_assert_uint_eq(read_value(33), 0x600003c5);
	ck_assert_int_eq(write_value(33, 0x80000005), 0);
	ck_assert_uint_eq(machine_get(CORE_PSTATE), UINT64_C(0x180000005));
	machine.refused = CORE_PSTATE;
	ck_assert_int_eq(write_value(33, 0), -EINVAL);
}
END_TEST

START_TEST(vectors_come_from_either_kind_of_register)
{
	uint64_t core = KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |
			KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]);
	uint64_t status = KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE |
			  KVM_REG_ARM_CORE_REG(fp_regs.fpsr);
	uint8_t bytes[16] = {0};

	machine_set(core + 4 * 31, 0x31);
	machine_set(status, 0x7766554400000010);
	machine_set(KVM_REG_ARM64_SVE_ZREG(31, 0), 0x5e31);
	memset(machine_find(KVM_REG_ARM64_SVE_ZREG(31, 0)) + 16, 0xee, 16);
	ck_assert_uint_eq(read_value(34 + 31), 0x31);
	ck_assert_uint_eq(read_value(66), 0x10);
	ck_assert_int_eq(arch_debug_register_read(arch, vcpu, 34, bytes), -ENOENT);
	arch->init.features[0] = 1U << KVM_ARM_VCPU_SVE;
	ck_assert_uint_eq(read_value(34 + 31), 0x5e31);
	memset(bytes, 0xab, sizeof(bytes));
	ck_assert_int_eq(arch_debug_register_write(arch, vcpu, 34 + 31, bytes), 0);
	ck_assert_uint_eq(machine_get(KVM_REG_ARM64_SVE_ZREG(31, 0)), 0xabababababababab);
	ck_assert_uint_eq(machine_find(KVM_REG_ARM64_SVE_ZREG(31, 0))[15], 0xab);
	ck_assert_uint_eq(machine_find(KVM_REG_ARM64_SVE_ZREG(31, 0))[16], 0xee);
	ck_assert_uint_eq(machine_get(core + 4 * 31), 0x31);
}
END_TEST

START_TEST(system_registers_are_those_that_kvm_lists)
{
	uint8_t bytes[8];

	machine_set(SYSTEM_MIDR, 0x410fd070);
	machine_set(SYSTEM_UNNAMED, 1);
	ck_assert_ptr_null(strstr(arch_debug_description(arch, "target.xml"), "MAIR_EL1"));
	ck_assert_uint_eq(read_value(number_of("MIDR_EL1")), 0x410fd070);
	ck_assert_uint_eq(read_value(number_of("VBAR_EL1")), VECTORS);
	ck_assert_uint_eq(read_value(number_of("SP_EL0")), 0x5e10);
	ck_assert_int_eq(write_value(number_of("MIDR_EL1"), 0), -EACCES);
	ck_assert_int_eq(write_value(number_of("TCR_EL1"), 0x99), 0);
	ck_assert_uint_eq(machine_get(DEBUG_TCR_EL1), 0x99);
	ck_assert_uint_eq(machine.lists, 1);
	/*
	 * Core: SP_EL0, SP_EL1, ELR_EL1, SPSR_EL1; and MIDR, SCTLR, TCR, TTBR0, TTBR1, MMFR0, ESR,
	 * VBAR.
	 */
	ck_assert_uint_eq(arch_debug_register_count(arch), 68 + 12);
	ck_assert_uint_eq(arch_debug_register_size(arch, 79), 8);
	ck_assert_uint_eq(arch_debug_register_size(arch, 80), 0);
	ck_assert_int_eq(write_value(80, 0), -ENOENT);
	machine.gone = SYSTEM_MIDR;
	ck_assert_int_eq(arch_debug_register_read(arch, vcpu, number_of("MIDR_EL1"), bytes),
			 -ENODATA);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, machine_set_up, machine_tear_down);
	tcase_add_test(tests, general_registers_have_gdbs_numbers);
	tcase_add_test(tests, sp_is_the_one_in_use);
	tcase_add_test(tests, cpsr_is_the_low_half_of_pstate);
	tcase_add_test(tests, vectors_come_from_either_kind_of_register);
	tcase_add_test(tests, system_registers_are_those_that_kvm_lists);
}

int main(void)
{
	return run_suite("aarch64 debug registers", add_tests);
}
