/* SPDX-License-Identifier: BSD-3-Clause */
/* What firmware would have left in a vCPU's registers, and which exits are a crash of the guest. */

#include <stdlib.h>

#include "arch/x86_64/state.h"
#include "arch/x86_64/vm.h"
#include "tests/unit/fake_kvm.h"

enum {
	MISC_ENABLE = 0x1a0,
	MISC_ENABLE_RESET = 1 << 11 | 1 << 12, /* neither BTS nor PEBS */
	MTRR_DEFAULT = 0x2ff,
	LINT1 = 0x360,
	INVARIANT_TSC = 1 << 8,
};

#define HWCR    0xc0010015u
#define TSC_BIT (UINT64_C(1) << 24)

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static struct arch_vm *arch;
static struct platform platform = {.cpus = 1};
static struct kvm_lapic_state lapic;
static struct err err;

static struct msr {
	uint32_t index;
	bool refused;
	uint64_t value;
	unsigned int written;
} msrs[] = {{.index = MISC_ENABLE}, {.index = MTRR_DEFAULT}, {.index = HWCR}};

static struct msr *find_msr(uint32_t index)
{
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].index == index)
			return &msrs[i];
	return NULL;
}

/* As KVM does: how many went well, before the first that did not. */
static int transfer(struct kvm_msrs *list, bool write)
{
	for (uint32_t i = 0; i < list->nmsrs; i++) {
		struct msr *msr = find_msr(list->entries[i].index);

		if (!msr || (write && msr->refused))
			return (int)i;
		if (!write)
			list->entries[i].data = msr->value;
		else
			msr->value = list->entries[i].data;
		msr->written += write;
	}
	return (int)list->nmsrs;
}

static int vcpu_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	switch (request) {
	case KVM_GET_MSRS:
		return transfer(argument, false);
	case KVM_SET_MSRS:
		return transfer(argument, true);
	case KVM_SET_LAPIC:
		memcpy(&lapic, argument, sizeof(lapic));
		return 0;
	default:
		return 0;
	}
}

static void set_up(void)
{
	err = (struct err){0};
	fake_kvm_reset();
	fake.vcpu_ioctl = vcpu_ioctl;
	vm = kvm_vm_create(0, &err);
	vcpu = kvm_vcpu_create(vm, 0, &err);
	arch = calloc(1, sizeof(*arch));
	ck_assert(vm && vcpu && arch);
	arch->setup.vm = vm;
	arch->setup.platform = &platform;
	arch->msrs = calloc(1, sizeof(*arch->msrs));
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++)
		msrs[i] = (struct msr){.index = msrs[i].index};
	find_msr(MISC_ENABLE)->value = MISC_ENABLE_RESET;
}

static void tear_down(void)
{
	vcpu_state_free(arch->vcpus[0]);
	free(arch->msrs);
	free(arch);
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
}

static void initialise(const char *vendor, uint32_t power)
{
	struct kvm_cpuid_entry2 entries[] = {{.function = 0},
					     {.function = 0x80000007, .edx = power}};

	memcpy(&entries[0].ebx, vendor, 4);
	memcpy(&entries[0].edx, vendor + 4, 4);
	memcpy(&entries[0].ecx, vendor + 8, 4);
	arch->cpuid.count = ARRAY_SIZE(entries);
	memcpy(arch->cpuid.entries, entries, sizeof(entries));
	ck_assert_msg(arch_vcpu_init(arch, vcpu, &err) == 0, "%s", err.text);
}

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

int main(void)
{
	Suite *suite = suite_create("vcpu");
	TCase *tests = tcase_create("vcpu");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, what_firmware_sets);
	tcase_add_test(tests, the_counters_frequency_on_amd);
	tcase_add_test(tests, the_counters_frequency_on_hygon);
	tcase_add_test(tests, a_counter_that_varies);
	tcase_add_test(tests, a_kernel_that_refuses);
	tcase_add_test(tests, exits_that_are_a_crash);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
