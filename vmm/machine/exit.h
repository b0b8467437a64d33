/* SPDX-License-Identifier: BSD-3-Clause */
/* What KVM_RUN came back with, what is done about it, and how often that was. */

#ifndef FERRY_VMM_MACHINE_EXIT_H
#define FERRY_VMM_MACHINE_EXIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "memory/map.h"
#include "vmm/kvm/vcpu.h"

enum exit_result {
	EXIT_DONE,    /* handled: KVM retires it at the next KVM_RUN */
	EXIT_NOT_YET, /* kept: dispatch it again later */
	EXIT_DEBUG,   /* a debugger's breakpoint or step: the run page tells which */
	EXIT_CRASHED, /* the guest is beyond running */
	EXIT_FAILED,  /* the host is to blame */
};

/* One vCPU's exit in progress. Belongs to the vCPU's thread. */
struct exit_state {
	struct arch_vm *arch;
	struct mem_map *mmio;
	bool pending;          /* an exit in the run page still has to be dispatched */
	unsigned int progress; /* how much of it is done */
	bool faulted; /* KVM_RUN's last result was an EFAULT that nothing was demoted for */
};

void exit_init(struct exit_state *exit, struct arch_vm *arch, struct mem_map *mmio);

/* A new exit is in the run page. */
void exit_begin(struct exit_state *exit);

/* The exit is not to be dispatched any more. */
void exit_forget(struct exit_state *exit);

/* Dispatches the pending exit; @why gets the reason for EXIT_CRASHED and EXIT_FAILED. */
enum exit_result exit_dispatch(struct exit_state *exit, struct kvm_vcpu *vcpu, char *why,
			       size_t size);

/*
 * KVM_RUN failed with EFAULT: a mapped slice of a BAR that the device does not back at the moment.
 * It is trapped until it decodes anew; true to run again. False when there was none twice in a row,
 * so that it is a true failure.
 */
bool exit_fault(struct exit_state *exit, struct kvm_vcpu *vcpu) FERRY_MUST_CHECK;

enum {
	EXIT_REASONS = 48,         /* KVM's reasons, by number; the kernel has fewer yet */
	EXIT_OTHER = EXIT_REASONS, /* one beyond them */
	EXIT_INTERRUPTED,          /* KVM_RUN was interrupted: a signal, or nothing to run yet */
	EXIT_FAILED_RUN,           /* KVM_RUN failed */
	EXIT_COUNTS,
};

/* Zero-initialise. Written by the vCPU's own thread alone, read by any. */
struct exit_counts {
	_Atomic uint64_t count[EXIT_COUNTS];
};

/* @reason as in the run page. */
void exit_count(struct exit_counts *counts, uint32_t reason);

/* @rc is what KVM_RUN failed with. */
void exit_count_failure(struct exit_counts *counts, int rc);

/* KVM's name for @index of the counts, or NULL: a reason that is only a number. */
const char *exit_count_name(unsigned int index);

#endif
