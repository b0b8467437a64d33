/* SPDX-License-Identifier: BSD-3-Clause */
/* What a debugger does with a vCPU of aarch64: registers, steps, stops, the guest's own BRK. */

#include "tests/unit/arch/aarch64/debug/test_debug.h"
#include "tests/unit/support/suite.h"
#include <stdio.h>
#include <stdlib.h>

#include "arch/aarch64/debug/exception.h"
#include "arch/aarch64/debug/step.h"

#define SYSTEM_MIDR    ARM64_SYS_REG(3, 0, 0, 0, 0)
#define SYSTEM_UNNAMED ARM64_SYS_REG(3, 0, 15, 7, 7)

enum {
	NOP = (int)0xd503201f,
	STEPPED_PC = 0x40200000,
	VECTORS = 0x40300000,
};

/* --- registers -------------------------------------------------------------------------------- */

static uint64_t read_value(unsigned int number)
{
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX] = {0};

	ck_assert_int_eq(arch_debug_register_read(arch, vcpu, number, bytes), 0);
	return load_le64(bytes);
}

static int write_value(unsigned int number, uint64_t value)
{
	uint8_t bytes[ARCH_DEBUG_REGISTER_MAX] = {0};

	store_le64(bytes, value);
	return arch_debug_register_write(arch, vcpu, number, bytes);
}

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

/* The number of the register with that name, by its place in the description. */
static unsigned int number_of(const char *name)
{
	const char *place = arch_debug_description(arch, "target.xml");
	unsigned int number = 0;
	char pattern[64];

	snprintf(pattern, sizeof(pattern), "<reg name=\"%s\"", name);
	while (strncmp(place, pattern, strlen(pattern)) != 0) {
		number += strncmp(place, "<reg ", 5) == 0;
		ck_assert_msg(*place != '\0', "%s is not described", name);
		place++;
	}
	return number;
}

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

/* --- what KVM is asked ------------------------------------------------------------------------ */

static int control(const struct arch_debug_control *what)
{
	return arch_debug_control(arch, vcpu, what);
}

START_TEST(points_and_breakpoints_are_handed_to_kvm)
{
	const struct arch_debug_point points[] = {
		{ARCH_DEBUG_WRITE, 0x1000, 8},
		{ARCH_DEBUG_BREAK, 0x2000, 1},
		{ARCH_DEBUG_ACCESS, 0x3006, 4},
	};
	struct arch_debug_control what = {.software = true, .points = points, .count = 3};
	struct arch_debug_support support;

	ck_assert_int_eq(control(&what), 0);
	ck_assert_uint_eq(machine.debug.control,
			  KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW);
	ck_assert_uint_eq(machine.debug.arch.dbg_bvr[0], 0x2000);
	ck_assert_uint_eq(machine.debug.arch.dbg_bcr[0], 0x1e7);
	ck_assert_uint_eq(machine.debug.arch.dbg_bcr[1], 0);
	ck_assert_uint_eq(machine.debug.arch.dbg_wvr[0], 0x1000);
	ck_assert_uint_eq(machine.debug.arch.dbg_wcr[0], 0x1ff7);
	ck_assert_uint_eq(machine.debug.arch.dbg_wvr[2], 0x3008);
	ck_assert_uint_eq(machine.debug.arch.dbg_wcr[3], 0);
	what = (struct arch_debug_control){0};
	ck_assert_int_eq(control(&what), 0);
	ck_assert_uint_eq(machine.debug.control, 0);
	ck_assert_uint_eq(machine.debug.arch.dbg_bcr[0], 0);
	/* The fake has one of everything. */
	ck_assert_int_eq(arch_debug_support(arch, vcpu, &support), 0);
	ck_assert(support.software_breakpoints && support.step && support.watch_reads);
	ck_assert(support.breakpoints == 1 && support.watchpoints == 1 && !support.shared);
	ck_assert_int_eq(arch_debug_check_points(&support, points, 2), 0);
	ck_assert_int_eq(arch_debug_check_points(&support, points, 3), -ENOSPC);
	fake.missing = KVM_CAP_SET_GUEST_DEBUG;
	ck_assert_int_eq(arch_debug_support(arch, vcpu, &support), 0);
	ck_assert(!support.step && support.breakpoints == 0);
}
END_TEST

START_TEST(the_breakpoint_instruction_is_a_brk)
{
	size_t size;
	const uint8_t *bytes = arch_debug_breakpoint(4, &size);

	ck_assert_uint_eq(size, 4);
	ck_assert_uint_eq(load_le32(bytes), 0xd4200000);
	ck_assert_ptr_null(arch_debug_breakpoint(2, &size));
	ck_assert_ptr_null(arch_debug_breakpoint(UINT64_MAX, &size));
}
END_TEST

START_TEST(a_walk_reads_the_vcpus_registers_and_memory)
{
	struct arch_translation found;
	uint8_t entry[8];

	ck_assert_int_eq(arch_debug_translate(arch, vcpu, 0x40000123, &found, NULL), 0);
	ck_assert_uint_eq(found.gpa, 0x40000123);
	machine_set(DEBUG_SCTLR_EL1, 1);
	machine_set(DEBUG_TCR_EL1, UINT64_C(5) << 32 | 25);
	machine_set(DEBUG_TTBR0_EL1, 0x40001000);
	ck_assert_int_eq(arch_debug_translate(arch, vcpu, 0x123, &found, NULL), -EFAULT);
	store_le64(entry, 0x80000401);
	ck_assert_int_eq(ram_write(arch->setup.ram, 0x40001000, entry, 8), 0);
	ck_assert_int_eq(arch_debug_translate(arch, vcpu, 0x123, &found, NULL), 0);
	ck_assert_uint_eq(found.gpa, 0x80000123);
	machine_set(DEBUG_TTBR0_EL1, 0x1000);
	ck_assert_int_eq(arch_debug_translate(arch, vcpu, 0x123, &found, NULL), -EFAULT);
}
END_TEST

/* --- steps ------------------------------------------------------------------------------------ */

static void begin_step(uint32_t instruction, uint64_t pstate)
{
	const struct arch_debug_control what = {.step = true};
	uint8_t bytes[4];

	store_le32(bytes, instruction);
	ck_assert_int_eq(ram_write(arch->setup.ram, STEPPED_PC, bytes, 4), 0);
	machine_set(CORE_PC, STEPPED_PC);
	machine_set(CORE_PSTATE, pstate);
	ck_assert_int_eq(control(&what), 0);
	ck_assert_uint_eq(machine.debug.control, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP);
}

static void expect_after(uint64_t pstate, uint64_t saved)
{
	ck_assert_int_eq(arch_debug_stepped(arch, vcpu), 0);
	ck_assert_uint_eq(machine_get(CORE_PSTATE), pstate);
	ck_assert_uint_eq(machine_get(CORE_SPSR), saved);
	machine.writes = 0;
	ck_assert_int_eq(arch_debug_stepped(arch, vcpu), 0);
	ck_assert_uint_eq(machine.writes, 0);
}

START_TEST(interrupts_are_held_back_for_a_step)
{
	begin_step((uint32_t)NOP, 0x60000005);
	ck_assert_uint_eq(machine_get(CORE_PSTATE), 0x600000c5);
	machine_set(CORE_PC, STEPPED_PC + 4);
	machine_set(CORE_PSTATE, 0x800000c5);
	expect_after(0x80000005, 0);
	/* Parked before it was taken. */
	begin_step((uint32_t)NOP, 0x60000000);
	expect_after(0x60000000, 0);
	/* Of two only what was not masked already. */
	begin_step((uint32_t)NOP, 0x45);
	ck_assert_uint_eq(machine_get(CORE_PSTATE), 0xc5);
	expect_after(0x45, 0);
	machine.writes = 0;
	begin_step((uint32_t)NOP, 0xc5);
	expect_after(0xc5, 0);
}
END_TEST

START_TEST(an_exception_saves_what_the_guest_had)
{
	static const struct {
		uint64_t pstate, offset;
	} cases[] = {{0x5, 0x200}, {0x4, 0}, {0x0, 0x400}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin_step(0xf9400000, cases[i].pstate); /* a load that faults */
		machine_set(CORE_SPSR, machine_get(CORE_PSTATE));
		machine_set(CORE_ELR, STEPPED_PC);
		machine_set(CORE_PC, VECTORS + cases[i].offset);
		machine_set(CORE_PSTATE, 0x3c5);
		expect_after(0x3c5, cases[i].pstate);
		/* An SError, which comes after the instruction. */
		begin_step((uint32_t)NOP, cases[i].pstate);
		machine_set(CORE_SPSR, machine_get(CORE_PSTATE));
		machine_set(CORE_ELR, STEPPED_PC + 4);
		machine_set(CORE_PC, VECTORS + cases[i].offset + 0x180);
		machine_set(CORE_PSTATE, 0x3c5);
		expect_after(0x3c5, cases[i].pstate);
	}
}
END_TEST

START_TEST(code_in_the_vectors_is_stepped_like_any_other)
{
	static const struct {
		uint64_t pc, elr, pstate;
	} cases[] = {
		{VECTORS + 0x204, STEPPED_PC, 0x3c5},
		{VECTORS + 0x400, STEPPED_PC, 0x3c5}, /* not this mode's */
		{VECTORS + 0x200, 0x1234, 0x3c5},
		{VECTORS + 0x200, STEPPED_PC, 0xc5}, /* as no exception leaves it */
		{VECTORS + 0x200, STEPPED_PC, 0x3c4},
		{VECTORS - 0x80, STEPPED_PC, 0x3c5},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin_step((uint32_t)NOP, 0x5);
		machine_set(CORE_SPSR, 0x600003c5);
		machine_set(CORE_ELR, cases[i].elr);
		machine_set(CORE_PC, cases[i].pc);
		machine_set(CORE_PSTATE, cases[i].pstate);
		expect_after(cases[i].pstate & ~UINT64_C(0xc0), 0x600003c5);
	}
}
END_TEST

START_TEST(instructions_that_would_notice_are_stepped_as_they_are)
{
	static const uint32_t plain[] = {
		0xd503201f, /* nop */
		0xd503203f, /* yield */
		0xd503245f, /* bti c */
		0xd50041bf, /* msr spsel, #1 */
		0xd500419f, /* msr pan, #1 */
		0xd61f0020, /* br x1 */
		0xd65f03c0, /* ret */
		0xd65f0bff, /* retaa */
		0xd71f0822, /* braa x1, x2 */
		0xd5033fdf, /* isb */
		0xd5184001, /* msr spsr_el1, x1 */
		0xd51b4201, /* msr nzcv, x1 */
		0xd5384241, /* mrs x1, currentel */
		0xd5033f5f, /* clrex */
		0xf9400000, /* ldr x0, [x0] */
		0x00000000, /* udf #0 */
	};
	static const uint32_t noticing[] = {
		0xd69f03e0, /* eret */
		0xd69f0bff, /* eretaa */
		0xd69f0fff, /* eretab */
		0xd6bf03e0, /* drps */
		0xd4000001, /* svc #0 */
		0xd41fffe1, /* svc #0xffff */
		0xd4000002, /* hvc #0 */
		0xd4000003, /* smc #0 */
		0xd4200000, /* brk #0 */
		0xd4400000, /* hlt #0 */
		0xd503207f, /* wfi */
		0xd503205f, /* wfe */
		0xd5031021, /* wfit x1 */
		0xd5031002, /* wfet x2 */
		0xd51b4223, /* msr daif, x3 */
		0xd53b4224, /* mrs x4, daif */
		0xd50343df, /* msr daifset, #3 */
		0xd5034fff, /* msr daifclr, #15 */
	};

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		ck_assert_msg(debug_step_can_mask(plain[i]), "%08x", plain[i]);
	for (size_t i = 0; i < ARRAY_SIZE(noticing); i++) {
		ck_assert_msg(!debug_step_can_mask(noticing[i]), "%08x", noticing[i]);
		begin_step(noticing[i], 0x5);
		ck_assert_uint_eq(machine_get(CORE_PSTATE), 0x5);
		machine_set(CORE_PSTATE, 0xc5);
		expect_after(0xc5, 0);
	}
}
END_TEST

START_TEST(what_cannot_be_decoded_is_stepped_as_it_is)
{
	const struct arch_debug_control what = {.step = true};

	begin_step((uint32_t)NOP, 0x10); /* a 32-bit program */
	expect_after(0x10, 0);
	machine.mp_state = KVM_MP_STATE_STOPPED;
	begin_step((uint32_t)NOP, 0x5);
	expect_after(0x5, 0);
	machine.mp_state = KVM_MP_STATE_RUNNABLE;
	machine_set(CORE_PC, 0x1000); /* no memory */
	ck_assert_int_eq(control(&what), 0);
	expect_after(0x5, 0);
}
END_TEST

START_TEST(a_reset_forgets_a_step)
{
	begin_step((uint32_t)NOP, 0x5);
	ck_assert_int_eq(arch_vcpu_reset(arch, vcpu, &err), 0);
	expect_after(0x3c5, 0);
}
END_TEST

START_TEST(a_step_that_could_not_be_undone_is_undone_later)
{
	begin_step((uint32_t)NOP, 0x5);
	machine.refused = CORE_PSTATE;
	ck_assert_int_eq(arch_debug_stepped(arch, vcpu), -EINVAL);
	machine.refused = 0;
	expect_after(0x5, 0);
}
END_TEST

/* --- stops ------------------------------------------------------------------------------------ */

static struct arch_debug_stop stop_with(uint32_t syndrome, uint64_t far)
{
	struct kvm_run *run = kvm_vcpu_run_page(vcpu);
	struct arch_debug_stop stop;

	run->exit_reason = KVM_EXIT_DEBUG;
	run->debug.arch.hsr = syndrome;
	run->debug.arch.far = far;
	arch_debug_decode(arch, vcpu, &stop);
	return stop;
}

START_TEST(stops_are_told_apart)
{
	const struct arch_debug_point points[] = {{ARCH_DEBUG_ACCESS, 0x1008, 8}};
	const struct arch_debug_control what = {.points = points, .count = 1};
	struct arch_debug_stop stop;

	ck_assert_int_eq(control(&what), 0);
	stop = stop_with(0xc2000022, 0);
	ck_assert(stop.event == ARCH_DEBUG_HARDWARE && stop.address == STEPPED_PC);
	stop = stop_with(0xca000022, 0);
	ck_assert(stop.event == ARCH_DEBUG_STEPPED && stop.address == STEPPED_PC);
	stop = stop_with(0xf2000000, 0);
	ck_assert(stop.event == ARCH_DEBUG_SOFTWARE && stop.address == STEPPED_PC);
	stop = stop_with(0xd2000062, 0x1000);
	ck_assert(stop.event == ARCH_DEBUG_WATCH && stop.address == 0x1008);
	ck_assert_int_eq(stop.kind, ARCH_DEBUG_ACCESS);
	/* The points of the last control. */
	ck_assert_int_eq(control(&(struct arch_debug_control){0}), 0);
	stop = stop_with(0xd2000022, 0x1000);
	ck_assert(stop.event == ARCH_DEBUG_WATCH && stop.address == 0x1000);
	ck_assert_int_eq(stop.kind, ARCH_DEBUG_READ);
}
END_TEST

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
	tcase_add_test(tests, general_registers_have_gdbs_numbers);
	tcase_add_test(tests, sp_is_the_one_in_use);
	tcase_add_test(tests, cpsr_is_the_low_half_of_pstate);
	tcase_add_test(tests, vectors_come_from_either_kind_of_register);
	tcase_add_test(tests, system_registers_are_those_that_kvm_lists);
	tcase_add_test(tests, without_a_list_the_general_registers_remain);
	tcase_add_test(tests, masks_of_signatures_are_there_where_pointers_are_signed);
	tcase_add_test(tests, points_and_breakpoints_are_handed_to_kvm);
	tcase_add_test(tests, the_breakpoint_instruction_is_a_brk);
	tcase_add_test(tests, a_walk_reads_the_vcpus_registers_and_memory);
	tcase_add_test(tests, interrupts_are_held_back_for_a_step);
	tcase_add_test(tests, an_exception_saves_what_the_guest_had);
	tcase_add_test(tests, code_in_the_vectors_is_stepped_like_any_other);
	tcase_add_test(tests, instructions_that_would_notice_are_stepped_as_they_are);
	tcase_add_test(tests, what_cannot_be_decoded_is_stepped_as_it_is);
	tcase_add_test(tests, a_reset_forgets_a_step);
	tcase_add_test(tests, a_step_that_could_not_be_undone_is_undone_later);
	tcase_add_test(tests, stops_are_told_apart);
	tcase_add_test(tests, a_brk_of_the_guests_own_is_its_exception);
	tcase_add_test(tests, pstate_of_an_exception_follows_the_processor);
}

int main(void)
{
	return run_suite("aarch64 debug", add_tests);
}
