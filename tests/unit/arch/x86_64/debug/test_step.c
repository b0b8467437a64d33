/* SPDX-License-Identifier: BSD-3-Clause */
/* Single steps: the guest's own, those of a halted vCPU, of PUSHF. */

#include "tests/unit/arch/x86_64/debug/test_debug.h"
#include "tests/unit/support/suite.h"

START_TEST(a_step_of_the_guests_own_is_given_back)
{
	static const struct arch_debug_point points[] = {{ARCH_DEBUG_BREAK, 0x1000, 1}};
	const struct arch_debug_control control = {.points = points, .count = 1};
	struct kvm_run *page = kvm_vcpu_run_page(vcpu);
	struct arch_debug_stop stop;

	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &control), 0);
	page->debug.arch = (struct kvm_debug_exit_arch){.exception = 1, .dr6 = 0xffff4ff0};
	arch_debug_decode(&arch, vcpu, &stop);
	ck_assert_int_eq(stop.event, ARCH_DEBUG_STEPPED);
	state.debugregs.db[3] = 77;
	ck_assert_int_eq(arch_debug_reinject(&arch, vcpu), 0);
	ck_assert_uint_eq(state.debugregs.dr6, 0xffff4ff0);
	ck_assert_uint_eq(state.debugregs.db[3], 77);
	ck_assert_uint_eq(state.debug.control,
			  KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_DB);
	/* A breakpoint instruction that comes next is one again. */
	page->debug.arch = (struct kvm_debug_exit_arch){.exception = 3};
	arch_debug_decode(&arch, vcpu, &stop);
	ck_assert_int_eq(arch_debug_reinject(&arch, vcpu), 0);
	ck_assert(state.debug.control & KVM_GUESTDBG_INJECT_BP);
	ck_assert(!(state.debug.control & KVM_GUESTDBG_INJECT_DB));
}
END_TEST

/* Interrupts are held back, so nothing would end the HLT. */
START_TEST(a_step_wakes_who_has_halted)
{
	struct arch_debug_control control = {.software = true};

	state.mp.mp_state = KVM_MP_STATE_HALTED;
	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &control), 0);
	ck_assert_uint_eq(state.mp.mp_state, KVM_MP_STATE_HALTED);
	control.step = true;
	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &control), 0);
	ck_assert_uint_eq(state.mp.mp_state, KVM_MP_STATE_RUNNABLE);
	/* One that waits for its start-up message still does. */
	state.mp.mp_state = KVM_MP_STATE_UNINITIALIZED;
	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &control), 0);
	ck_assert_uint_eq(state.mp.mp_state, KVM_MP_STATE_UNINITIALIZED);
	state.refused = KVM_GET_MP_STATE;
	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &control), 0);
}
END_TEST

/* Steps over @code as KVM does: TF is in the image that PUSHF leaves. */
static uint64_t pushed_by(const char *code, uint64_t length)
{
	const struct arch_debug_control control = {.step = true};
	uint64_t flags = state.regs.rflags | 0x100;

	state.regs.rip = 0xffd; /* on two pages */
	state.regs.rsp = 0x2008;
	ck_assert_int_eq(ram_write(arch.setup.ram, state.regs.rip, code, strlen(code)), 0);
	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &control), 0);
	state.regs.rip += length;
	state.regs.rsp -= 8;
	ck_assert_int_eq(ram_write(arch.setup.ram, state.regs.rsp, &flags, 8), 0);
	ck_assert_int_eq(arch_debug_stepped(&arch, vcpu), 0);
	ck_assert_int_eq(ram_read(arch.setup.ram, state.regs.rsp, &flags, 8), 0);
	return flags;
}

START_TEST(a_stepped_pushf)
{
	const uint64_t entries[] = {0x4003, 0x5003, 0x83};

	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(ram_write(arch.setup.ram, 0x3000 + 0x1000 * i, &entries[i], 8), 0);
	state.sregs.cr0 = 0x80000001;
	state.sregs.cr3 = 0x3000;
	state.sregs.cr4 = 0x20;
	state.sregs.efer = 0x500;
	state.sregs.cs.l = 1;
	state.regs.rflags = 0xffff0246;
	ck_assert_uint_eq(pushed_by("\x9c\x90", 1), 0xffff0246);
	ck_assert_uint_eq(pushed_by("\x66\xf2\x48\x65\x9c\x90", 5), 0xffff0246);
	ck_assert_uint_eq(pushed_by("\x90\x9c", 1), 0xffff0346);
	ck_assert_uint_eq(pushed_by("\x9c\x90", 0), 0xffff0346); /* not taken */
	ck_assert_uint_eq(pushed_by("\x48\x48\x48\x48\x48\x48\x48\x48"
				    "\x48\x48\x48\x48\x48\x48\x48\x9c",
				    16),
			  0xffff0346);
	state.sregs.cs.l = 0;
	ck_assert_uint_eq(pushed_by("\x9c\x90", 1), 0xffff0346);
	state.sregs.cs.l = 1;
	state.regs.rflags = 0x346; /* the guest's own */
	ck_assert_uint_eq(pushed_by("\x9c\x90", 1), 0x346);
	state.sregs.cr3 = RAM_SIZE;
	state.regs.rflags = 0x246;
	ck_assert_uint_eq(pushed_by("\x9c\x90", 1), 0x346);
	ck_assert_int_eq(arch_debug_stepped(&arch, vcpu), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_step_of_the_guests_own_is_given_back);
	tcase_add_test(tests, a_step_wakes_who_has_halted);
	tcase_add_test(tests, a_stepped_pushf);
}

int main(void)
{
	return run_suite("x86_64 debug step", add_tests);
}
