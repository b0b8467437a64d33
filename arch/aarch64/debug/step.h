/* SPDX-License-Identifier: BSD-3-Clause */
/* Holding interrupts back while one instruction is stepped. */

#ifndef FERRY_ARCH_AARCH64_DEBUG_STEP_H
#define FERRY_ARCH_AARCH64_DEBUG_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/aarch64/debug/debug.h"
#include "arch/arch.h"
#include "vmm/base/err.h"
#include "vmm/kvm/vcpu.h"

/*
 * Whether @instruction can be stepped with interrupts masked: it neither reads nor writes the
 * masks, nor saves them, nor leaves or waits for an exception. A step of one of those ends in a
 * handler when an interrupt is pending. A pure function.
 */
bool debug_step_can_mask(uint32_t instruction);

/*
 * Masks interrupts for a step, where that goes unnoticed, until arch_debug_stepped(). 0 also when
 * nothing was done, else KVM's errno.
 */
int debug_step_begin(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		     struct debug_vcpu *debug) FERRY_MUST_CHECK;

#endif
