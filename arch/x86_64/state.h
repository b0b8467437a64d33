/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole state of a vCPU as KVM tells it, kept from power-on to be restored at a reset. */

#ifndef FERRY_ARCH_X86_64_STATE_H
#define FERRY_ARCH_X86_64_STATE_H

#include <linux/kvm.h>

#include "vmm/base/err.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"

struct vcpu_state;

/*
 * Reads registers, FPU, LAPIC, events, run state and those of @msrs that can be read. What the
 * kernel has no capability for is left out. The vCPU's own thread. NULL with @err set.
 */
struct vcpu_state *vcpu_state_save(const struct kvm_vm *vm, struct kvm_vcpu *vcpu,
				   const struct kvm_msr_list *msrs, struct err *err);

/* Puts everything back but the time stamp counter. The vCPU's own thread, its exit completed. */
int vcpu_state_restore(struct vcpu_state *state, struct kvm_vcpu *vcpu,
		       struct err *err) FERRY_MUST_CHECK;

/* NULL is allowed. */
void vcpu_state_free(struct vcpu_state *state);

#endif
