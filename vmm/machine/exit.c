/* SPDX-License-Identifier: BSD-3-Clause */
/* What KVM_RUN came back with, what is done about it, and how often that was. */

#include "vmm/machine/exit.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"

void exit_init(struct exit_state *exit, struct arch_vm *arch, struct mem_map *mmio)
{
	*exit = (struct exit_state){.arch = arch, .mmio = mmio};
}

void exit_begin(struct exit_state *exit)
{
	exit->pending = true;
	exit->faulted = false;
	exit->progress = 0;
}

void exit_forget(struct exit_state *exit)
{
	exit->pending = false;
	exit->progress = 0;
}

/*
 * An access of the guest as KVM split it: up to 8 bytes, any number. What is no register width goes
 * byte by byte; @progress keeps the bytes done when one of them has to wait.
 */
static enum exit_result exit_mmio(struct exit_state *exit, struct kvm_run *page)
{
	uint8_t *data = page->mmio.data;
	unsigned int length = page->mmio.len;
	unsigned int width;

	if (length > sizeof(page->mmio.data))
		length = sizeof(page->mmio.data);
	width = is_power_of_2(length) ? length : 1;
	for (; exit->progress < length; exit->progress += width) {
		uint64_t address = page->mmio.phys_addr + exit->progress;
		enum mem_result result;
		uint64_t value = all_ones(width);

		if (page->mmio.is_write)
			result = mem_map_write(exit->mmio, address, width,
					       load_le(data + exit->progress, width));
		else
			result = mem_map_read(exit->mmio, address, width, &value);
		if (result == MEM_NOT_YET)
			return EXIT_NOT_YET;
		if (!page->mmio.is_write)
			store_le(data + exit->progress, width, value);
	}
	return EXIT_DONE;
}

/* Numbers for who knows the kernel (api.rst, KVM_EXIT_INTERNAL_ERROR): what kind of event, say. */
static void exit_append_data(const struct kvm_run *page, char *why, size_t size)
{
	size_t count = page->internal.ndata, length = strlen(why);

	for (size_t i = 0; i < count && i < ARRAY_SIZE(page->internal.data) && length < size; i++) {
		snprintf(why + length, size - length, "%s0x%llx", i ? " " : ", data ",
			 (unsigned long long)page->internal.data[i]);
		length += strlen(why + length);
	}
}

static enum exit_result exit_internal_error(const struct kvm_run *page, char *why, size_t size)
{
	static const char *const names[] = {
		[KVM_INTERNAL_ERROR_EMULATION] = "an instruction that KVM cannot emulate",
		[KVM_INTERNAL_ERROR_SIMUL_EX] = "exceptions on top of each other",
		[KVM_INTERNAL_ERROR_DELIVERY_EV] = "an exit while an event was delivered",
		[KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON] = "an exit reason KVM does not know",
	};
	uint32_t code = page->internal.suberror;
	const char *name = code < ARRAY_SIZE(names) ? names[code] : NULL;

	snprintf(why, size, "KVM internal error %u: %s", code, name ? name : "unknown");
	exit_append_data(page, why, size);
	return EXIT_CRASHED;
}

/* What to call an exit that leaves the vCPU beyond running. */
static void exit_describe_crash(const struct kvm_run *page, char *why, size_t size)
{
	switch (page->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
		snprintf(why, size, "triple fault");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(why, size, "the processor refused to enter the guest, reason 0x%llx",
			 (unsigned long long)page->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_UNKNOWN:
		snprintf(why, size, "an exit that KVM does not know, reason 0x%llx",
			 (unsigned long long)page->hw.hardware_exit_reason);
		break;
	default:
		snprintf(why, size, "unhandled exit, reason %u", page->exit_reason);
		break;
	}
}

static enum exit_result exit_arch(struct exit_state *exit, struct kvm_vcpu *vcpu, char *why,
				  size_t size)
{
	const struct kvm_run *page = kvm_vcpu_run_page(vcpu);
	enum arch_exit result = arch_vcpu_exit(exit->arch, vcpu, &exit->progress);

	switch (result) {
	case ARCH_EXIT_HANDLED:
		return EXIT_DONE;
	case ARCH_EXIT_NOT_YET:
		return EXIT_NOT_YET;
	case ARCH_EXIT_CRASHED:
	case ARCH_EXIT_UNKNOWN:
		break;
	}
	exit_describe_crash(page, why, size);
	/* Entering the guest fails for the host's sake, unless the architecture knows better. */
	return page->exit_reason == KVM_EXIT_FAIL_ENTRY && result == ARCH_EXIT_UNKNOWN
		       ? EXIT_FAILED
		       : EXIT_CRASHED;
}

enum exit_result exit_dispatch(struct exit_state *exit, struct kvm_vcpu *vcpu, char *why,
			       size_t size)
{
	struct kvm_run *page = kvm_vcpu_run_page(vcpu);
	enum exit_result result;

	switch (page->exit_reason) {
	case KVM_EXIT_MMIO:
		result = exit_mmio(exit, page);
		break;
	case KVM_EXIT_INTR:
		result = EXIT_DONE;
		break;
	case KVM_EXIT_DEBUG:
		result = EXIT_DEBUG;
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		result = exit_internal_error(page, why, size);
		break;
	default:
		result = exit_arch(exit, vcpu, why, size);
		break;
	}
	if (result != EXIT_NOT_YET)
		exit_forget(exit);
	return result;
}

/*
 * What KVM names is trapped and nothing else. A kernel that names nothing leaves the devices to be
 * asked; where all of them say that they are there, and do so again, any slice may be the one.
 */
static unsigned int exit_demote(const struct exit_state *exit, struct kvm_vcpu *vcpu)
{
	unsigned int demoted;
	uint64_t first, last;

	if (kvm_vcpu_fault_range(vcpu, &first, &last))
		return mem_map_demote(exit->mmio, first, last);
	demoted = mem_map_demote_unbacked(exit->mmio);
	return demoted || !exit->faulted ? demoted : mem_map_demote(exit->mmio, 0, UINT64_MAX);
}

bool exit_fault(struct exit_state *exit, struct kvm_vcpu *vcpu)
{
	unsigned int demoted = exit_demote(exit, vcpu);
	bool again = !exit->faulted;

	if (demoted)
		log_info("vCPU %u: a BAR could not be reached: %u mapped slices are trapped now",
			 kvm_vcpu_id(vcpu), demoted);
	/*
	 * Another vCPU may have demoted the slice between this fault and now: once more will tell.
	 */
	exit->faulted = demoted == 0;
	return demoted > 0 || again;
}

/* Those that this project's architectures can have. */
static const char *const exit_names[EXIT_COUNTS] = {
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
	return index < ARRAY_SIZE(exit_names) ? exit_names[index] : NULL;
}
