/* SPDX-License-Identifier: BSD-3-Clause */
/* What firmware would have left in a vCPU's registers, and which exits are a crash of the guest. */

#include <stdlib.h>

#include "arch/x86_64/state.h"
#include "arch/x86_64/vm.h"
#include "tests/unit/support/fake_kvm.h"
#include "tests/unit/support/suite.h"

enum {
	MISC_ENABLE = 0x1a0,
	MISC_ENABLE_RESET = 1 << 11 | 1 << 12, /* neither BTS nor PEBS */
	MTRR_DEFAULT = 0x2ff,
	LINT1 = 0x360,
	INVARIANT_TSC = 1 << 8,
	FEATURES = 0x3a,
	MCG_EXT_CTL = 0x4d0,
	MCG_CTL = 1 << 8,
	MCG_CMCI = 1 << 10,
	MCG_SER = 1 << 24,
	MCG_LMCE = 1 << 27,
};

#define HWCR    0xc0010015u
#define TSC_BIT (UINT64_C(1) << 24)

static struct kvm_vm *vm;
static struct kvm_vcpu *vcpu;
static struct arch_vm *arch;
static struct platform platform = {.cpus = 1};
static struct kvm_lapic_state lapic;
static uint64_t mce_supported, mce_set_up;
static struct kvm_x86_mce mce;
static struct err err;

static struct msr {
	uint32_t index;
	bool refused;
	uint64_t value;
	unsigned int written;
} msrs[] = {{.index = MISC_ENABLE},
	    {.index = MTRR_DEFAULT},
	    {.index = HWCR},
	    {.index = FEATURES},
	    {.index = MCG_EXT_CTL}};

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
	case KVM_X86_SETUP_MCE:
		memcpy(&mce_set_up, argument, sizeof(mce_set_up));
		return 0;
	case KVM_X86_SET_MCE:
		memcpy(&mce, argument, sizeof(mce));
		return 0;
	case KVM_SET_LAPIC:
		memcpy(&lapic, argument, sizeof(lapic));
		return 0;
	default:
		return 0;
	}
}

static int system_ioctl(unsigned long request, void *argument)
{
	ck_assert_uint_eq(request, KVM_X86_GET_MCE_CAP_SUPPORTED);
	memcpy(argument, &mce_supported, sizeof(mce_supported));
	return 0;
}

static void set_up(void)
{
	err = (struct err){0};
	fake_kvm_reset();
	fake.vcpu_ioctl = vcpu_ioctl;
	fake.vm_ioctl = system_ioctl;
	vm = kvm_vm_create(NULL, &err);
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

static void fail_memory(void)
{
	static const struct ram_range piece = {0x100000, 0x100000};
	static const struct ram_config config = {0};
	struct mem_map *map = mem_map_create("memory", 0, &err);
	uint64_t gpa;

	arch->setup.ram = ram_create(map, &piece, 1, &config, &err);
	ck_assert_ptr_nonnull(arch->setup.ram);
	ck_assert_int_eq(arch_vcpu_memory_failed(arch, vcpu, &gpa, &gpa), -ENOENT);
	ck_assert_int_eq(arch_vcpu_memory_failed(arch, vcpu, ram_host(arch->setup.ram, 0x123000, 1),
						 &gpa),
			 0);
	ck_assert_uint_eq(gpa, 0x123000);
	ck_assert_uint_eq(mce.addr, 0x123000);
	ck_assert_uint_eq(mce.bank, 9);
	ck_assert_uint_eq(mce.misc, 0x8c);
	ram_destroy(arch->setup.ram);
	mem_map_destroy(map);
}

/* A processor of its own, where firmware allows it: the register is locked with all that is on. */
START_TEST(memory_that_failed_on_intel)
{
	mce_supported = MCG_CTL | MCG_SER | MCG_LMCE | MCG_CMCI | 32;
	initialise("GenuineIntel", 0);
	ck_assert_uint_eq(mce_set_up, MCG_CTL | MCG_SER | MCG_LMCE | 10);
	ck_assert_uint_eq(find_msr(FEATURES)->value, 1 << 20 | 1);
	fail_memory();
	ck_assert_uint_eq(mce.status, UINT64_C(0xbd80000000000134));
	ck_assert_uint_eq(mce.mcg_status, 7);
	find_msr(MCG_EXT_CTL)->value = 1;
	fail_memory();
	ck_assert_uint_eq(mce.mcg_status, 15);
}
END_TEST

START_TEST(memory_that_failed_on_amd)
{
	mce_supported = MCG_CTL | MCG_SER | MCG_LMCE | 32;
	initialise("AuthenticAMD", 0);
	ck_assert_uint_eq(mce_set_up, MCG_CTL | MCG_SER | 10);
	ck_assert_uint_eq(find_msr(FEATURES)->written, 0);
	fail_memory();
	ck_assert_uint_eq(mce.status, UINT64_C(0xbc00080000000134));
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
	tcase_add_test(tests, memory_that_failed_on_intel);
	tcase_add_test(tests, memory_that_failed_on_amd);
	tcase_add_test(tests, exits_that_are_a_crash);
}

int main(void)
{
	return run_suite("vcpu", add_tests);
}
