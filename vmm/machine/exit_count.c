/* SPDX-License-Identifier: BSD-3-Clause */
/* How often a vCPU left the guest, by KVM's reasons. */

#include "vmm/machine/exit_count.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>

#include "vmm/base/bits.h"

/* Those that this project's architectures can have. */
static const char *const names[EXIT_COUNTS] = {
	[KVM_EXIT_UNKNOWN] = "KVM_EXIT_UNKNOWN",
	[KVM_EXIT_EXCEPTION] = "KVM_EXIT_EXCEPTION",
	[KVM_EXIT_IO] = "KVM_EXIT_IO",
	[KVM_EXIT_HYPERCALL] = "KVM_EXIT_HYPERCALL",
	[KVM_EXIT_DEBUG] = "KVM_EXIT_DEBUG",
	[KVM_EXIT_HLT] = "KVM_EXIT_HLT",
	[KVM_EXIT_MMIO] = "KVM_EXIT_MMIO",
	[KVM_EXIT_IRQ_WINDOW_OPEN] = "KVM_EXIT_IRQ_WINDOW_OPEN",
	[KVM_EXIT_SHUTDOWN] = "KVM_EXIT_SHUTDOWN",
	[KVM_EXIT_FAIL_ENTRY] = "KVM_EXIT_FAIL_ENTRY",
	[KVM_EXIT_INTR] = "KVM_EXIT_INTR",
	[KVM_EXIT_SET_TPR] = "KVM_EXIT_SET_TPR",
	[KVM_EXIT_TPR_ACCESS] = "KVM_EXIT_TPR_ACCESS",
	[KVM_EXIT_NMI] = "KVM_EXIT_NMI",
	[KVM_EXIT_INTERNAL_ERROR] = "KVM_EXIT_INTERNAL_ERROR",
	[KVM_EXIT_SYSTEM_EVENT] = "KVM_EXIT_SYSTEM_EVENT",
	[KVM_EXIT_IOAPIC_EOI] = "KVM_EXIT_IOAPIC_EOI",
	[KVM_EXIT_HYPERV] = "KVM_EXIT_HYPERV",
	[KVM_EXIT_ARM_NISV] = "KVM_EXIT_ARM_NISV",
	[KVM_EXIT_X86_RDMSR] = "KVM_EXIT_X86_RDMSR",
	[KVM_EXIT_X86_WRMSR] = "KVM_EXIT_X86_WRMSR",
	[KVM_EXIT_DIRTY_RING_FULL] = "KVM_EXIT_DIRTY_RING_FULL",
	[KVM_EXIT_AP_RESET_HOLD] = "KVM_EXIT_AP_RESET_HOLD",
	[KVM_EXIT_X86_BUS_LOCK] = "KVM_EXIT_X86_BUS_LOCK",
	[KVM_EXIT_XEN] = "KVM_EXIT_XEN",
	[KVM_EXIT_NOTIFY] = "KVM_EXIT_NOTIFY",
	[EXIT_OTHER] = "other reasons",
	[EXIT_INTERRUPTED] = "interrupted",
	[EXIT_FAILED_RUN] = "KVM_RUN failed",
};

/* One writer: no locked instruction is needed. */
static void exit_add_one(_Atomic uint64_t *count)
{
	uint64_t value = atomic_load_explicit(count, memory_order_relaxed);

	atomic_store_explicit(count, value + 1, memory_order_relaxed);
}

void exit_count(struct exit_counts *counts, uint32_t reason)
{
	exit_add_one(&counts->count[reason < EXIT_REASONS ? reason : EXIT_OTHER]);
}

void exit_count_failure(struct exit_counts *counts, int rc)
{
	exit_add_one(&counts->count[rc == -EINTR ? EXIT_INTERRUPTED : EXIT_FAILED_RUN]);
}

const char *exit_count_name(unsigned int index)
{
	return index < ARRAY_SIZE(names) ? names[index] : NULL;
}
