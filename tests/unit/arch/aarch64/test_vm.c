/* SPDX-License-Identifier: BSD-3-Clause */
/* What the machine asks of KVM: addresses, accesses that cannot be decoded. */

#include "tests/unit/arch/aarch64/test_vcpu.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"

START_TEST(address_width_is_what_kvm_offers)
{
	fake.ipa_bits = 44;
	ck_assert_uint_eq(arch_physical_bits(vm), 44);
	ck_assert_uint_eq(arch_vm_type(vm), 44);
	fake.ipa_bits = 0;
	ck_assert_uint_eq(arch_physical_bits(vm), 40);
	ck_assert_uint_eq(arch_vm_type(vm), 0);
}
END_TEST

START_TEST(an_old_kernel_keeps_undecodable_accesses)
{
	fake.missing = KVM_CAP_ARM_INJECT_EXT_DABT;
	create(0);
	ck_assert_uint_eq(seen.enabled, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, address_width_is_what_kvm_offers);
	tcase_add_test(tests, an_old_kernel_keeps_undecodable_accesses);
}

int main(void)
{
	return run_suite("aarch64 vm", add_tests);
}
