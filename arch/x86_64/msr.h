/* SPDX-License-Identifier: BSD-3-Clause */
/* Single model-specific registers of a vCPU. */

#ifndef FERRY_ARCH_X86_64_MSR_H
#define FERRY_ARCH_X86_64_MSR_H

#include <linux/kvm.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/kvm/vcpu.h"

/* Laid out as struct kvm_msrs with one entry. */
struct one_msr {
	uint32_t count;
	uint32_t padding;
	struct kvm_msr_entry entry;
};

/* 0, -ENOENT when KVM does not know it, or another negative errno. Own thread. */
int msr_read(struct kvm_vcpu *vcpu, uint32_t index, uint64_t *value) FERRY_MUST_CHECK;

/*
 * Writes @bits over those in @mask and leaves the others as KVM has them. Which MSRs and bits there
 * are differs with the processor and the kernel: what is not there is left out. Own thread.
 */
int msr_set_bits(struct kvm_vcpu *vcpu, uint32_t index, uint64_t mask,
		 uint64_t bits) FERRY_MUST_CHECK;

#endif
