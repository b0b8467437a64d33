/* SPDX-License-Identifier: BSD-3-Clause */
/* Single steps: interrupts held back, instructions that would notice, steps that are undone. */

#include "arch/aarch64/debug/step.h"
#include "tests/unit/arch/aarch64/debug/test_debug.h"
#include "tests/unit/support/suite.h"

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

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, machine_set_up, machine_tear_down);
	tcase_add_test(tests, interrupts_are_held_back_for_a_step);
	tcase_add_test(tests, an_exception_saves_what_the_guest_had);
	tcase_add_test(tests, code_in_the_vectors_is_stepped_like_any_other);
	tcase_add_test(tests, instructions_that_would_notice_are_stepped_as_they_are);
	tcase_add_test(tests, what_cannot_be_decoded_is_stepped_as_it_is);
	tcase_add_test(tests, a_reset_forgets_a_step);
	tcase_add_test(tests, a_step_that_could_not_be_undone_is_undone_later);
}

int main(void)
{
	return run_suite("aarch64 debug step", add_tests);
}
