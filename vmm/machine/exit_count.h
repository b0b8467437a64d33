/* SPDX-License-Identifier: BSD-3-Clause */
/* How often a vCPU left the guest, by KVM's reasons. */

#ifndef FERRY_VMM_MACHINE_EXIT_COUNT_H
#define FERRY_VMM_MACHINE_EXIT_COUNT_H

#include <stdatomic.h>
#include <stdint.h>

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
