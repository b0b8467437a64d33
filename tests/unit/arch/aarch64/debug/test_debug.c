/* SPDX-License-Identifier: BSD-3-Clause */
/* What a debugger does with a vCPU of aarch64: registers, steps, stops, the guest's own BRK. */

#include "tests/unit/arch/aarch64/debug/test_debug.h"
#include "tests/unit/support/suite.h"

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
	ck_assert(support.software_breakpoints && support.step);
	ck_assert(support.breakpoints == 1 && support.watchpoints == 1);
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

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, machine_set_up, machine_tear_down);
	tcase_add_test(tests, points_and_breakpoints_are_handed_to_kvm);
	tcase_add_test(tests, the_breakpoint_instruction_is_a_brk);
	tcase_add_test(tests, a_walk_reads_the_vcpus_registers_and_memory);
	tcase_add_test(tests, stops_are_told_apart);
}

int main(void)
{
	return run_suite("aarch64 debug", add_tests);
}
