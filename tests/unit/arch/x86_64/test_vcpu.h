/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU of a KVM that is a fake, whose registers and MSRs are kept. */

#ifndef FERRY_TESTS_UNIT_ARCH_X86_64_TEST_VCPU_H
#define FERRY_TESTS_UNIT_ARCH_X86_64_TEST_VCPU_H

#include <stdlib.h>

#include "arch/x86_64/state.h"
#include "arch/x86_64/vm.h"
#include "tests/unit/support/fake_kvm.h"

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

static inline struct msr *find_msr(uint32_t index)
{
	for (size_t i = 0; i < ARRAY_SIZE(msrs); i++)
		if (msrs[i].index == index)
			return &msrs[i];
	return NULL;
}

/* As KVM does: how many went well, before the first that did not. */
static inline int transfer(struct kvm_msrs *list, bool write)
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

static inline int vcpu_ioctl(int fd, unsigned long request, void *argument)
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

static inline int system_ioctl(unsigned long request, void *argument)
{
	ck_assert_uint_eq(request, KVM_X86_GET_MCE_CAP_SUPPORTED);
	memcpy(argument, &mce_supported, sizeof(mce_supported));
	return 0;
}

static inline void set_up(void)
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

static inline void tear_down(void)
{
	vcpu_state_free(arch->vcpus[0]);
	free(arch->msrs);
	free(arch);
	kvm_vcpu_destroy(vcpu);
	kvm_vm_destroy(vm);
}

static inline void initialise(const char *vendor, uint32_t power)
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

#endif
