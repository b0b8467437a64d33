/* SPDX-License-Identifier: BSD-3-Clause */
/* What the machine asks of its vCPUs beyond arch.h, and how their registers are named. */

#ifndef FERRY_ARCH_AARCH64_VCPU_H
#define FERRY_ARCH_AARCH64_VCPU_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "vmm/base/err.h"
#include "vmm/kvm/vcpu.h"

/* KVM_GET_ONE_REG's number of a 64-bit member of struct kvm_regs (api.rst, "arm64 registers"). */
#define VCPU_CORE_REGISTER(member)                                                                 \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(member))

/* Picks the features that every vCPU of @arch will have: PSCI, and what processor and KVM offer. */
int vcpu_choose_features(struct arch_vm *arch, struct err *err) FERRY_MUST_CHECK;

/* Whether every vCPU of @arch has @feature, a number KVM_ARM_VCPU_... */
bool vcpu_has_feature(const struct arch_vm *arch, unsigned int feature);

/*
 * Gives @vcpu its performance monitor's interrupt, where it has one; after the GIC's
 * initialisation.
 */
int vcpu_init_pmu(const struct arch_vm *arch, struct kvm_vcpu *vcpu,
		  struct err *err) FERRY_MUST_CHECK;

/*
 * Has the virtual counter of all vCPUs begin at zero, by way of @vcpu; every one exists. Kernels
 * before 6.4 set it anew at each creation, for the others too, and where vCPUs are created side by
 * side some end up with a counter of their own: the guest's time would leap from one to the other.
 */
int vcpu_start_counter(struct kvm_vcpu *vcpu, struct err *err) FERRY_MUST_CHECK;

/* KVM_GET_ONE_REG and KVM_SET_ONE_REG of 64 bits; 0 or -errno. */
int vcpu_get_register(struct kvm_vcpu *vcpu, uint64_t number, uint64_t *value) FERRY_MUST_CHECK;
int vcpu_set_register(struct kvm_vcpu *vcpu, uint64_t number, uint64_t value) FERRY_MUST_CHECK;

#endif
