/* SPDX-License-Identifier: BSD-3-Clause */
/* KVM_GET_MSRS and KVM_SET_MSRS for one register at a time. */

#include "arch/x86_64/msr.h"

#include <errno.h>

#include "vmm/base/log.h"

int msr_read(struct kvm_vcpu *vcpu, uint32_t index, uint64_t *value)
{
	struct one_msr msr = {1, 0, {.index = index}};
	int count = kvm_vcpu_ioctl(vcpu, KVM_GET_MSRS, &msr);

	*value = msr.entry.data;
	return count > 0 ? 0 : count == 0 ? -ENOENT : count;
}

int msr_set_bits(struct kvm_vcpu *vcpu, uint32_t index, uint64_t mask, uint64_t bits)
{
	struct one_msr msr = {1, 0, {.index = index}};
	uint64_t value;
	int rc = msr_read(vcpu, index, &value);

	if (rc == 0) {
		msr.entry.data = (value & ~mask) | bits;
		rc = kvm_vcpu_ioctl(vcpu, KVM_SET_MSRS, &msr);
		if (rc > 0)
			return 0;
	}
	if (rc < 0 && rc != -ENOENT)
		return rc;
	log_debug("vCPU %u: MSR 0x%x stays as it is", kvm_vcpu_id(vcpu), index);
	return 0;
}
