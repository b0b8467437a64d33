/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a vCPU is, what KVM is told of breakpoints and steps, what its stops mean. */

#include "tests/unit/arch/x86_64/debug/test_debug.h"
#include "tests/unit/support/suite.h"

static void is_at(uint64_t expected)
{
	uint64_t pc;

	ck_assert_int_eq(arch_debug_pc(&arch, vcpu, &pc), 0);
	ck_assert_uint_eq(pc, expected);
}

START_TEST(the_next_instruction)
{
	uint64_t pc;

	state.regs.rip = 0xfff0;
	state.sregs.cs.base = 0xffff0000;
	is_at(0xfffffff0);
	state.regs.rip = 0x10010;
	is_at(0x10);
	state.sregs.cs.l = 1; /* without long mode it means nothing */
	is_at(0x10);
	state.sregs.efer = 0x500;
	state.regs.rip = 0xffffffff81000000;
	is_at(0xffffffff81000000);
	state.sregs.cs.l = 0;
	state.sregs.cs.base = 0;
	state.regs.rip = 0x8000;
	is_at(0x8000);
	state.refused = KVM_GET_SREGS;
	ck_assert_int_eq(arch_debug_pc(&arch, vcpu, &pc), -EINVAL);
	state.refused = KVM_GET_REGS;
	ck_assert_int_eq(arch_debug_pc(&arch, vcpu, &pc), -EINVAL);
}
END_TEST

START_TEST(addresses)
{
	struct arch_translation found;
	const uint64_t entries[] = {0x2003, 0x3003, UINT64_C(0x80000000000000e3)};

	for (unsigned int i = 0; i < 3; i++)
		ck_assert_int_eq(ram_write(arch.setup.ram, 0x1000 * (i + 1) + 8, &entries[i], 8),
				 0);
	ck_assert_int_eq(arch_debug_translate(&arch, vcpu, 0x8040201000, &found, NULL), -EFAULT);
	ck_assert_int_eq(arch_debug_translate(&arch, vcpu, 0x40201000, &found, NULL), 0);
	ck_assert_uint_eq(found.gpa, 0x40201000);
	state.sregs.cr0 = 0x80000001;
	state.sregs.cr3 = 0x1000;
	state.sregs.cr4 = 0x20;
	state.sregs.efer = 0xd00;
	ck_assert_int_eq(arch_debug_translate(&arch, vcpu, 0x8040201234, &found, NULL), 0);
	ck_assert_uint_eq(found.gpa, 0x1234);
	ck_assert_uint_eq(found.page_size, 2 * MIB);
	ck_assert(found.writable && !found.user && !found.executable);
	ck_assert_int_eq(arch_debug_translate(&arch, vcpu, 0x1000, &found, NULL), -EFAULT);
	state.sregs.cr3 = RAM_SIZE;
	ck_assert_int_eq(arch_debug_translate(&arch, vcpu, 0x8040201234, &found, NULL), -EFAULT);
	state.refused = KVM_GET_SREGS;
	ck_assert_int_eq(arch_debug_translate(&arch, vcpu, 0x1000, &found, NULL), -EINVAL);
}
END_TEST

START_TEST(what_a_host_supports)
{
	const struct arch_debug_point point = {ARCH_DEBUG_BREAK, 0x1000, 1};
	const struct arch_debug_point watch = {ARCH_DEBUG_WRITE, 0x1000, 1};
	struct arch_debug_support support;

	trials = 0;
	ck_assert_int_eq(arch_debug_support(&arch, vcpu, &support), 0);
	ck_assert(support.software_breakpoints && support.step);
	ck_assert_uint_eq(support.breakpoints, 4);
	ck_assert_uint_eq(support.watchpoints, 4);
	ck_assert_uint_eq(state.debug.control, 0);
	ck_assert_uint_eq(state.sets, 2);
	ck_assert_int_eq(arch_debug_check_points(&support, &point, 1), 0);
	ck_assert_uint_eq(trials, 1);
	support.watchpoints = 0;
	ck_assert_int_eq(arch_debug_check_points(&support, &point, 1), 0);
	ck_assert_int_eq(arch_debug_check_points(&support, &watch, 1), -EOPNOTSUPP);

	state.refused = KVM_SET_GUEST_DEBUG;
	ck_assert_int_eq(arch_debug_support(&arch, vcpu, &support), 0);
	ck_assert(!support.software_breakpoints && !support.step);
	ck_assert_uint_eq(support.breakpoints + support.watchpoints, 0);
	ck_assert_int_eq(arch_debug_check_points(&support, &point, 1), -EOPNOTSUPP);
	ck_assert_int_eq(arch_debug_check_points(&support, &point, 0), 0);

	state.refused = 0;
	fake.missing = KVM_CAP_SET_GUEST_DEBUG;
	ck_assert_int_eq(arch_debug_support(&arch, vcpu, &support), 0);
	ck_assert(!support.software_breakpoints && !support.step);
}
END_TEST

START_TEST(a_host_of_old)
{
	const struct arch_debug_control step = {.step = true};
	struct arch_debug_support support;

	fake.guest_debug = 0;
	ck_assert_int_eq(arch_debug_support(&arch, vcpu, &support), 0);
	ck_assert(support.software_breakpoints && support.step);
	ck_assert_uint_eq(support.breakpoints, 4);
	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &step), 0);
	ck_assert_uint_eq(state.debug.control, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP);
}
END_TEST

START_TEST(what_kvm_is_told)
{
	const struct arch_debug_point points[] = {{ARCH_DEBUG_BREAK, 0x1000, 1},
						  {ARCH_DEBUG_WRITE, 0x2004, 8}};
	struct arch_debug_control control = {.software = true};

	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &control), 0);
	ck_assert_uint_eq(state.debug.control, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP);
	control = (struct arch_debug_control){.step = true, .points = points, .count = 2};
	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &control), 0);
	ck_assert_uint_eq(state.debug.control, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |
						       KVM_GUESTDBG_BLOCKIRQ |
						       KVM_GUESTDBG_USE_HW_BP);
	ck_assert_uint_eq(state.debug.arch.debugreg[0], 0x1000);
	ck_assert_uint_eq(state.debug.arch.debugreg[1], 0x2004);
	ck_assert_uint_eq(state.debug.arch.debugreg[2], 0x2008);
	ck_assert_uint_eq(state.debug.arch.debugreg[7], 0xdd0062a);
	ck_assert_int_eq(arch_debug_reinject(&arch, vcpu), 0);
	ck_assert_uint_eq(state.debug.control,
			  KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_BLOCKIRQ |
				  KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_INJECT_BP);
	ck_assert_uint_eq(state.debug.arch.debugreg[7], 0xdd0062a);
	ck_assert_int_eq(arch_debug_stepped(&arch, vcpu), 0);
	control = (struct arch_debug_control){0};
	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &control), 0);
	ck_assert_uint_eq(state.debug.control, 0);
	ck_assert_uint_eq(state.debug.arch.debugreg[7], 0);
	ck_assert_int_eq(arch_debug_reinject(&arch, vcpu), 0);
	ck_assert_uint_eq(state.debug.control, KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_BP);
	state.refused = KVM_SET_GUEST_DEBUG;
	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &control), -EINVAL);
	ck_assert_int_eq(arch_debug_reinject(&arch, vcpu), -EINVAL);
}
END_TEST

static struct arch_debug_stop stop_of(uint32_t exception, uint64_t dr6)
{
	struct kvm_debug_exit_arch *exit = &kvm_vcpu_run_page(vcpu)->debug.arch;
	struct arch_debug_stop stop;

	*exit = (struct kvm_debug_exit_arch){.exception = exception, .pc = 0x4321, .dr6 = dr6};
	arch_debug_decode(&arch, vcpu, &stop);
	return stop;
}

START_TEST(stops)
{
	const struct arch_debug_point points[] = {{ARCH_DEBUG_ACCESS, 0x2004, 8},
						  {ARCH_DEBUG_BREAK, 0x4321, 1}};
	const struct arch_debug_control control = {.points = points, .count = 2};
	struct arch_debug_stop stop = stop_of(1, 0xffff0ff1);

	ck_assert_int_eq(stop.event, ARCH_DEBUG_STEPPED);
	ck_assert_int_eq(arch_debug_control(&arch, vcpu, &control), 0);
	stop = stop_of(3, 0);
	ck_assert_int_eq(stop.event, ARCH_DEBUG_SOFTWARE);
	ck_assert_uint_eq(stop.address, 0x4321);
	stop = stop_of(1, 0xffff4ff0);
	ck_assert_int_eq(stop.event, ARCH_DEBUG_STEPPED);
	ck_assert_uint_eq(stop.address, 0x4321);
	stop = stop_of(1, 0xffff0ff2);
	ck_assert_int_eq(stop.event, ARCH_DEBUG_WATCH);
	ck_assert_uint_eq(stop.address, 0x2008);
	ck_assert_int_eq(stop.kind, ARCH_DEBUG_ACCESS);
	stop = stop_of(1, 0xffff4ff1);
	ck_assert_int_eq(stop.event, ARCH_DEBUG_WATCH);
	ck_assert_uint_eq(stop.address, 0x2004);
	stop = stop_of(1, 0xffff0ff5);
	ck_assert_int_eq(stop.event, ARCH_DEBUG_HARDWARE);
	ck_assert_uint_eq(stop.address, 0x4321);
	stop = stop_of(1, 0xffff0ff8);
	ck_assert_int_eq(stop.event, ARCH_DEBUG_STEPPED);
}
END_TEST

START_TEST(the_rest)
{
	size_t size = 0;

	ck_assert_ptr_null(arch_debug_breakpoint(0, &size));
	ck_assert_uint_eq(*arch_debug_breakpoint(1, &size), 0xcc);
	ck_assert_uint_eq(size, 1);
	ck_assert_uint_eq(*arch_debug_breakpoint(UINT64_MAX, &size), 0xcc);
	arch_debug_free(NULL);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, the_next_instruction);
	tcase_add_test(tests, addresses);
	tcase_add_test(tests, what_a_host_supports);
	tcase_add_test(tests, a_host_of_old);
	tcase_add_test(tests, what_kvm_is_told);
	tcase_add_test(tests, stops);
	tcase_add_test(tests, the_rest);
}

int main(void)
{
	return run_suite("x86_64 debug", add_tests);
}
