/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine-check architecture of a vCPU: how a guest hears that its memory failed. */

#ifndef FERRY_ARCH_X86_64_MCE_H
#define FERRY_ARCH_X86_64_MCE_H

#include "arch/x86_64/vm.h"
#include "vmm/kvm/vcpu.h"

/*
 * In the vCPU's thread, its CPUID being set: the banks, and what firmware sets for them. What KVM
 * does not have is left out: the guest then hears of less.
 */
void mce_init(struct arch_vm *arch, struct kvm_vcpu *vcpu);

#endif
