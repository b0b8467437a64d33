/* SPDX-License-Identifier: BSD-3-Clause */
/* Machine checks by KVM_X86_SETUP_MCE and KVM_X86_SET_MCE (SDM 3B, 16.3; APM 2, 9.3). */

#include "arch/x86_64/mce.h"

#include <string.h>

#include "arch/x86_64/msr.h"
#include "vmm/base/log.h"

enum {
	BANKS = 10,
	BANK = BANKS - 1, /* the one that reports */
	MSR_FEATURE_CONTROL = 0x3a,
	MSR_MCG_EXT_CTL = 0x4d0,
	FEATURE_CONTROL_LOCKED = 1 << 0,
	FEATURE_CONTROL_SGX_LAUNCH = 1 << 17,
	FEATURE_CONTROL_SGX = 1 << 18,
	FEATURE_CONTROL_LMCE = 1 << 20,
	LEAF7_EBX_SGX = 1 << 2,
	LEAF7_ECX_SGX_LAUNCH = 1 << 30,
	MCG_CTL_P = 1 << 8,
	MCG_SER_P = 1 << 24,
	MCG_LMCE_P = 1 << 27,
	STATUS_RIPV = 1 << 0,
	STATUS_EIPV = 1 << 1,
	STATUS_MCIP = 1 << 2,
	STATUS_LMCE_S = 1 << 3,
	EXT_CTL_LMCE = 1 << 0,
	ERROR_DATA_LOAD = 0x134,     /* SDM 3B, table 16-10 */
	MISC_PHYSICAL = 2 << 6 | 12, /* the address is one, of a page */
};

#define BANK_VALID  (UINT64_C(1) << 63)
#define BANK_UC     (UINT64_C(1) << 61)
#define BANK_EN     (UINT64_C(1) << 60)
#define BANK_MISCV  (UINT64_C(1) << 59)
#define BANK_ADDRV  (UINT64_C(1) << 58)
#define BANK_S      (UINT64_C(1) << 56) /* Intel: signalled */
#define BANK_AR     (UINT64_C(1) << 55) /* Intel: action required */
#define BANK_POISON (UINT64_C(1) << 43) /* AMD */

static bool mce_is_intel(struct arch_vm *arch)
{
	const struct kvm_cpuid_entry2 *vendor = cpuid_find(&arch->cpuid, 0, 0);

	return vendor && memcmp(&vendor->ebx, "Genu", 4) == 0;
}

/*
 * Intel's machine checks stop all processors, unless firmware allows one to have its own. It has
 * locked the register by then, so that what else depends on it has to be on too.
 */
static void mce_allow_local(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	const struct kvm_cpuid_entry2 *leaf7 = cpuid_find(&arch->cpuid, 7, 0);
	uint64_t bits = FEATURE_CONTROL_LOCKED | FEATURE_CONTROL_LMCE;

	if (leaf7 && (leaf7->ebx & LEAF7_EBX_SGX))
		bits |= FEATURE_CONTROL_SGX;
	if (leaf7 && (leaf7->ebx & LEAF7_EBX_SGX) && (leaf7->ecx & LEAF7_ECX_SGX_LAUNCH))
		bits |= FEATURE_CONTROL_SGX_LAUNCH;
	if (msr_set_bits(vcpu, MSR_FEATURE_CONTROL, bits, bits) < 0)
		log_debug("vCPU %u: no machine checks of its own", kvm_vcpu_id(vcpu));
}

void mce_init(struct arch_vm *arch, struct kvm_vcpu *vcpu)
{
	uint64_t capabilities;

	if (kvm_vm_capability(arch->setup.vm, KVM_CAP_MCE) <= 0 ||
	    kvm_vm_system_ioctl(arch->setup.vm, KVM_X86_GET_MCE_CAP_SUPPORTED, &capabilities) < 0)
		return;
	capabilities &= MCG_CTL_P | MCG_SER_P | (mce_is_intel(arch) ? MCG_LMCE_P : 0);
	capabilities |= BANKS;
	if (kvm_vcpu_ioctl(vcpu, KVM_X86_SETUP_MCE, &capabilities) < 0)
		log_debug("vCPU %u: its machine checks stay as KVM has them", kvm_vcpu_id(vcpu));
	else if (capabilities & MCG_LMCE_P)
		mce_allow_local(arch, vcpu);
}

int arch_vcpu_memory_failed(struct arch_vm *arch, struct kvm_vcpu *vcpu, const void *host,
			    uint64_t *gpa)
{
	struct kvm_x86_mce mce = {
		.bank = BANK,
		.status =
			BANK_VALID | BANK_UC | BANK_EN | BANK_MISCV | BANK_ADDRV | ERROR_DATA_LOAD,
		.mcg_status = STATUS_MCIP | STATUS_RIPV | STATUS_EIPV,
		.misc = MISC_PHYSICAL,
	};
	uint64_t control;
	int rc = ram_guest(arch->setup.ram, host, gpa);

	if (rc)
		return rc;
	mce.addr = *gpa;
	mce.status |= mce_is_intel(arch) ? BANK_S | BANK_AR : BANK_POISON;
	if (msr_read(vcpu, MSR_MCG_EXT_CTL, &control) == 0 && (control & EXT_CTL_LMCE))
		mce.mcg_status |= STATUS_LMCE_S;
	rc = kvm_vcpu_ioctl(vcpu, KVM_X86_SET_MCE, &mce);
	return rc < 0 ? rc : 0;
}
