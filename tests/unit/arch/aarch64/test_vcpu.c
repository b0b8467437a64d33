/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aarch64's vCPUs and GIC over a KVM made of nothing: what is asked for, in which order, and exits.
 */

#include "tests/unit/arch/aarch64/test_vcpu.h"
#include "arch/aarch64/platform_arm.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"

static bool has(unsigned int feature)
{
	return seen.init.features[0] & 1U << feature;
}

START_TEST(first_vcpu_is_on_with_every_feature)
{
	create(0);
	ck_assert_uint_eq(seen.enabled, KVM_CAP_ARM_NISV_TO_USER);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), 0);
	ck_assert(has(KVM_ARM_VCPU_PSCI_0_2) && has(KVM_ARM_VCPU_SVE) && has(KVM_ARM_VCPU_PMU_V3));
	ck_assert(has(KVM_ARM_VCPU_PTRAUTH_ADDRESS) && has(KVM_ARM_VCPU_PTRAUTH_GENERIC));
	ck_assert(!has(KVM_ARM_VCPU_POWER_OFF));
	ck_assert_uint_eq(seen.finalized, 1);
	arch->entry = 0x40200000;
	arch->fdt = 0x48000000;
	ck_assert_int_eq(arch_vcpu_reset(arch, vcpu, &err), 0);
	ck_assert_uint_eq(seen.inits, 2);
	ck_assert_uint_eq(seen.finalized, 1);
	ck_assert_uint_eq(seen.pc, 0x40200000);
	ck_assert_uint_eq(seen.x0, 0x48000000);
	ck_assert_uint_eq(seen.pstate, 0x3c5);
}
END_TEST

START_TEST(other_vcpus_are_off_until_psci)
{
	seen.affinity = UINT64_C(0x80000101);
	create(17);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), 0);
	ck_assert(has(KVM_ARM_VCPU_POWER_OFF));
	seen.pc = 1;
	ck_assert_int_eq(arch_vcpu_reset(arch, vcpu, &err), 0);
	ck_assert_uint_eq(seen.pc, 1);
}
END_TEST

START_TEST(features_that_kvm_lacks_are_left_out)
{
	fake.missing = KVM_CAP_ARM_PTRAUTH_GENERIC;
	create(0);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), 0);
	ck_assert(!has(KVM_ARM_VCPU_PTRAUTH_ADDRESS) && !has(KVM_ARM_VCPU_PTRAUTH_GENERIC));
	ck_assert(has(KVM_ARM_VCPU_SVE));
}
END_TEST

START_TEST(a_processor_without_extras_does_without)
{
	fake.missing = KVM_CAP_ARM_SVE;
	create(0);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), 0);
	ck_assert(!has(KVM_ARM_VCPU_SVE));
	ck_assert_uint_eq(seen.finalized, 0);
	arch_vm_destroy(arch);
	kvm_vcpu_destroy(vcpu);
	fake.missing = KVM_CAP_ARM_PMU_V3;
	create(0);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), 0);
	ck_assert(!has(KVM_ARM_VCPU_PMU_V3) && !arch->pmu);
	seen.count = 0;
	ck_assert_int_eq(arch_irqchip_init(arch, &err), 0);
	ck_assert_uint_eq(seen.count, 6); /* the GIC's alone */
}
END_TEST

START_TEST(an_unexpected_affinity_is_said)
{
	seen.affinity = 2;
	create(1);
	ck_assert_int_eq(arch_vcpu_init(arch, vcpu, &err), -EPROTO);
	ck_assert_ptr_nonnull(strstr(err.text, "vCPU 1"));
}
END_TEST

static enum arch_exit exit_with(uint32_t reason, uint32_t type)
{
	struct kvm_run *page = kvm_vcpu_run_page(vcpu);
	unsigned int progress = 0;

	page->exit_reason = reason;
	if (reason == KVM_EXIT_SYSTEM_EVENT)
		page->system_event.type = type;
	return arch_vcpu_exit(arch, vcpu, &progress);
}

START_TEST(an_access_beyond_decoding_is_an_external_abort)
{
	create(0);
	ck_assert_int_eq(exit_with(KVM_EXIT_ARM_NISV, 0), ARCH_EXIT_HANDLED);
	ck_assert(seen.abort_pending);
}
END_TEST

/* The guest hears of memory that failed, and of its own alone. */
START_TEST(failed_memory_is_an_external_abort)
{
	static const struct ram_range piece = {0x40000000, 0x200000};
	static const struct ram_config config = {0};
	struct mem_map *map = mem_map_create("memory", 0, &err);
	uint64_t gpa;

	create(0);
	arch->setup.ram = ram_create(map, &piece, 1, &config, &err);
	ck_assert_ptr_nonnull(arch->setup.ram);
	ck_assert_int_eq(arch_vcpu_memory_failed(arch, vcpu, &gpa, &gpa), -ENOENT);
	ck_assert(!seen.abort_pending);
	ck_assert_int_eq(arch_vcpu_memory_failed(arch, vcpu,
						 ram_host(arch->setup.ram, 0x40001000, 1), &gpa),
			 0);
	ck_assert_uint_eq(gpa, 0x40001000);
	ck_assert(seen.abort_pending);
	ram_destroy(arch->setup.ram);
	mem_map_destroy(map);
}
END_TEST

START_TEST(psci_ends_and_resets_the_machine)
{
	create(0);
	ck_assert_int_eq(exit_with(KVM_EXIT_SYSTEM_EVENT, KVM_SYSTEM_EVENT_SHUTDOWN),
			 ARCH_EXIT_HANDLED);
	ck_assert_int_eq(event, MACHINE_POWER_OFF);
	ck_assert_int_eq(exit_with(KVM_EXIT_SYSTEM_EVENT, KVM_SYSTEM_EVENT_RESET),
			 ARCH_EXIT_HANDLED);
	ck_assert_int_eq(event, MACHINE_RESET);
	event = -1;
	ck_assert_int_eq(exit_with(KVM_EXIT_SYSTEM_EVENT, 4711), ARCH_EXIT_UNKNOWN);
	ck_assert_int_eq(exit_with(KVM_EXIT_HYPERV, 0), ARCH_EXIT_UNKNOWN);
	ck_assert_int_eq(event, -1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, first_vcpu_is_on_with_every_feature);
	tcase_add_test(tests, other_vcpus_are_off_until_psci);
	tcase_add_test(tests, features_that_kvm_lacks_are_left_out);
	tcase_add_test(tests, a_processor_without_extras_does_without);
	tcase_add_test(tests, an_unexpected_affinity_is_said);
	tcase_add_test(tests, an_access_beyond_decoding_is_an_external_abort);
	tcase_add_test(tests, failed_memory_is_an_external_abort);
	tcase_add_test(tests, psci_ends_and_resets_the_machine);
}

int main(void)
{
	return run_suite("aarch64 vcpu", add_tests);
}
