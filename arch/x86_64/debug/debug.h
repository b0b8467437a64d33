/* SPDX-License-Identifier: BSD-3-Clause */
/* What the x86_64 files of debugging share: the state that a machine has once a debugger asks. */

#ifndef FERRY_ARCH_X86_64_DEBUG_DEBUG_H
#define FERRY_ARCH_X86_64_DEBUG_DEBUG_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/debug.h"
#include "arch/platform.h"
#include "arch/x86_64/debug/description.h"
#include "arch/x86_64/debug/fpu.h"
#include "arch/x86_64/debug/paging.h"
#include "arch/x86_64/debug/points.h"
#include "arch/x86_64/vm.h"
#include "vmm/base/err.h"
#include "vmm/kvm/vcpu.h"

/* A step on its way: whether its instruction is a PUSHF, and the address of the one behind it. */
struct debug_step {
	bool pushes_flags;
	uint64_t next;
};

/* What one vCPU was last told to stop for. */
struct x86_debug_vcpu {
	struct kvm_guest_debug control;
	struct debug_slots slots;
	struct debug_step step;
	uint64_t own_dr6; /* of the guest's own #DB that was met last; 0: it was something else */
};

/* The main thread's; an x86_debug_vcpu is its vCPU's thread's while that runs. */
struct arch_debug {
	uint32_t flags; /* KVM_GUESTDBG_* that KVM knows */
	struct debug_fpu fpu;
	struct debug_description description;
	struct x86_debug_vcpu vcpus[PLATFORM_CPUS_MAX]; /* by vCPU id */
};

/* @arch's state, made when it is first asked for. NULL: out of memory. Main thread. */
struct arch_debug *debug_get(struct arch_vm *arch);

/* What a walk of @vcpu's page tables begins with, in @arch's memory. 0 or the ioctl's errno. */
int debug_paging(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		 struct x86_paging *paging) FERRY_MUST_CHECK;

/*
 * A vCPU that has executed HLT would wait for an interrupt, which its step holds back, and which
 * what the debugger has it execute next may not be waiting for. It goes on as if one had come: what
 * follows HLT has to be ready for that. 0 or the ioctl's errno.
 */
int debug_wake(struct kvm_vcpu *vcpu) FERRY_MUST_CHECK;

/*
 * KVM steps by the processor's TF, which PUSHF then finds set and a later POPF would turn on for
 * the guest. To be called before a step is asked for, and after it. What leads elsewhere (a fault,
 * SYSCALL) is left as KVM does it.
 */
void debug_step_begin(struct arch_vm *arch, struct kvm_vcpu *vcpu, struct debug_step *step);
int debug_step_end(struct arch_vm *arch, struct kvm_vcpu *vcpu,
		   struct debug_step *step) FERRY_MUST_CHECK;

#endif
