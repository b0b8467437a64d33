/* SPDX-License-Identifier: BSD-3-Clause */
/* What firmware would have left in a vCPU's registers, and which exits are a crash of the guest. */

#include <stdlib.h>

#include "tests/unit/arch/x86_64/test_vcpu.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"

START_TEST(where_the_guest_is_comes_with_the_exit)
{
	struct kvm_run *page = kvm_vcpu_run_page(vcpu);
	uint64_t pc;

	fake.missing = KVM_CAP_SYNC_REGS;
	arch_vcpu_tell_pc(arch, vcpu);
	ck_assert_uint_eq(page->kvm_valid_regs, 0);
	ck_assert(!arch_vcpu_pc(vcpu, &pc));
	fake.missing = 0;
	arch_vcpu_tell_pc(arch, vcpu);
	ck_assert_uint_eq(page->kvm_valid_regs, KVM_SYNC_X86_REGS);
	page->s.regs.regs.rip = 0xfff0;
	ck_assert(arch_vcpu_pc(vcpu, &pc));
	ck_assert_uint_eq(pc, 0xfff0);
}
END_TEST

START_TEST(what_firmware_sets)
{
	initialise("GenuineIntel", INVARIANT_TSC);
	ck_assert_uint_eq(find_msr(MTRR_DEFAULT)->value, 1 << 11 | 6);
	/* What KVM says there of features that are missing stays. */
	ck_assert_uint_eq(find_msr(MISC_ENABLE)->value, MISC_ENABLE_RESET | 1);
	ck_assert_uint_eq(find_msr(HWCR)->written, 0);
	ck_assert_uint_eq(load_le32((uint8_t *)lapic.regs + LINT1), 4 << 8);
}
END_TEST

START_TEST(the_counters_frequency_on_amd)
{
	find_msr(HWCR)->value = 1 << 18;
	initialise("AuthenticAMD", INVARIANT_TSC);
	ck_assert_uint_eq(find_msr(HWCR)->value, TSC_BIT | 1 << 18);
}
END_TEST

START_TEST(the_counters_frequency_on_hygon)
{
	initialise("HygonGenuine", INVARIANT_TSC);
	ck_assert_uint_eq(find_msr(HWCR)->value, TSC_BIT);
}
END_TEST

START_TEST(a_counter_that_varies)
{
	initialise("AuthenticAMD", 0);
	ck_assert_uint_eq(find_msr(HWCR)->written, 0);
}
END_TEST

/* Older kernels take no such bit. */
START_TEST(a_kernel_that_refuses)
{
	find_msr(HWCR)->refused = true;
	initialise("AuthenticAMD", INVARIANT_TSC);
	ck_assert_uint_eq(find_msr(HWCR)->value, 0);
}
END_TEST

START_TEST(exits_that_are_a_crash)
{
	static const struct {
		uint32_t exit;
		uint64_t reason;
		enum arch_exit result;
	} rows[] = {
		{KVM_EXIT_SHUTDOWN, 0, ARCH_EXIT_CRASHED},
		{KVM_EXIT_FAIL_ENTRY, 0x80000021, ARCH_EXIT_CRASHED},
		{KVM_EXIT_FAIL_ENTRY, 0xffffffff, ARCH_EXIT_CRASHED},
		{KVM_EXIT_FAIL_ENTRY, UINT64_MAX, ARCH_EXIT_CRASHED},
		/* A list of MSRs that the host cannot load, a control field that is wrong. */
		{KVM_EXIT_FAIL_ENTRY, 0x80000022, ARCH_EXIT_UNKNOWN},
		{KVM_EXIT_FAIL_ENTRY, 7, ARCH_EXIT_UNKNOWN},
		{KVM_EXIT_HYPERV, 0, ARCH_EXIT_UNKNOWN},
	};
	struct kvm_run *page = kvm_vcpu_run_page(vcpu);
	unsigned int progress = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		page->exit_reason = rows[i].exit;
		page->fail_entry.hardware_entry_failure_reason = rows[i].reason;
		ck_assert_int_eq(arch_vcpu_exit(arch, vcpu, &progress), rows[i].result);
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, where_the_guest_is_comes_with_the_exit);
	tcase_add_test(tests, what_firmware_sets);
	tcase_add_test(tests, the_counters_frequency_on_amd);
	tcase_add_test(tests, the_counters_frequency_on_hygon);
	tcase_add_test(tests, a_counter_that_varies);
	tcase_add_test(tests, a_kernel_that_refuses);
	tcase_add_test(tests, exits_that_are_a_crash);
}

int main(void)
{
	return run_suite("vcpu", add_tests);
}
