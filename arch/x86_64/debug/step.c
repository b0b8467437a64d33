/* SPDX-License-Identifier: BSD-3-Clause */
/* Keeps the flag that makes a vCPU step out of what a stepped PUSHF leaves on the guest's stack. */

#include <linux/kvm.h>
#include <string.h>

#include "arch/x86_64/debug/debug.h"
#include "vmm/base/bits.h"

#define EFER_LMA  (UINT64_C(1) << 10)
#define RFLAGS_TF (UINT64_C(1) << 8)

enum { INSTRUCTION_MAX = 15, PUSHF = 0x9c, TF_BYTE = RFLAGS_TF >> 8 };

/* Prefixes that leave PUSHF what it is in 64-bit mode (SDM 2, 2.1.1 and 2.2.1). */
static bool step_is_prefix(uint8_t byte)
{
	static const uint8_t legacy[] = {0x26, 0x2e, 0x36, 0x3e, 0x64,
					 0x65, 0x66, 0x67, 0xf2, 0xf3};

	return (byte & 0xf0) == 0x40 || memchr(legacy, byte, sizeof(legacy));
}

/* The byte at a virtual address, and where it is. */
static bool step_read_byte(struct arch_vm *arch, const struct x86_paging *paging, uint64_t address,
			   uint8_t *byte, uint64_t *gpa)
{
	struct arch_translation translation;

	if (paging_walk(paging, address, &translation, NULL) < 0)
		return false;
	*gpa = translation.gpa;
	return ram_read(arch->setup.ram, *gpa, byte, 1) == 0;
}

static bool step_is_64_bit(struct kvm_vcpu *vcpu)
{
	struct kvm_sregs sregs;

	return kvm_vcpu_ioctl(vcpu, KVM_GET_SREGS, &sregs) >= 0 && (sregs.efer & EFER_LMA) &&
	       sregs.cs.l;
}

void debug_step_begin(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct debug_step *step)
{
	struct x86_paging paging;
	struct kvm_regs regs;
	uint64_t gpa;
	uint8_t byte = 0;
	unsigned int length = 0;

	step->pushes_flags = false;
	if (!step_is_64_bit(vcpu) || debug_paging(arch, vcpu, &paging) < 0 ||
	    kvm_vcpu_ioctl(vcpu, KVM_GET_REGS, &regs) < 0 || (regs.rflags & RFLAGS_TF))
		return;
	do {
		if (!step_read_byte(arch, &paging, regs.rip + length, &byte, &gpa))
			return;
		length++;
	} while (step_is_prefix(byte) && length < INSTRUCTION_MAX);
	step->pushes_flags = byte == PUSHF;
	step->next = regs.rip + length;
}

int debug_step_end(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct debug_step *step)
{
	struct x86_paging paging;
	struct kvm_regs regs;
	uint64_t gpa;
	uint8_t byte;
	int rc;

	if (!step->pushes_flags)
		return 0;
	step->pushes_flags = false;
	rc = debug_paging(arch, vcpu, &paging);
	if (rc >= 0)
		rc = kvm_vcpu_ioctl(vcpu, KVM_GET_REGS, &regs);
	if (rc < 0)
		return rc;
	if (regs.rip != step->next || !step_read_byte(arch, &paging, regs.rsp + 1, &byte, &gpa))
		return 0;
	byte &= (uint8_t)~TF_BYTE;
	return ram_write(arch->setup.ram, gpa, &byte, 1);
}
