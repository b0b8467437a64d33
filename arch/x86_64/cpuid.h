/* SPDX-License-Identifier: BSD-3-Clause */
/* The CPUID leaves of a vCPU: what KVM supports, with this machine's topology and clocks. */

#ifndef FERRY_ARCH_X86_64_CPUID_H
#define FERRY_ARCH_X86_64_CPUID_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum { CPUID_ENTRIES_MAX = 256 };

/* Laid out as struct kvm_cpuid2, with room. */
struct cpuid_table {
	uint32_t count;
	uint32_t padding;
	struct kvm_cpuid_entry2 entries[CPUID_ENTRIES_MAX];
};

struct cpuid_config {
	unsigned int cpus;    /* 1 to 255, all cores of one package */
	unsigned int apic_id; /* this vCPU's; below @cpus */
	bool tsc_deadline;    /* KVM_CAP_TSC_DEADLINE_TIMER */
	uint64_t tsc_khz;     /* 0: unknown */
};

/*
 * Makes @table, as KVM_GET_SUPPORTED_CPUID gave it, that of one vCPU: APIC id and topology (leaves
 * 1, 4, 0xb, 0x1f, 0x80000008, 0x8000001d, 0x8000001e), hypervisor and TSC-deadline bits, ARAT,
 * KVM's leaves with TSC and bus frequency (0x40000010), no nested virtualisation. A pure function.
 * -ENOSPC when the table has no room for an entry it lacks.
 */
int cpuid_adjust(struct cpuid_table *table, const struct cpuid_config *config) FERRY_MUST_CHECK;

/* All of XCR0's features that a vCPU with @table may turn on at once; 0 without XSAVE. */
uint64_t cpuid_xcr0(struct cpuid_table *table);

/* The entry of @function and @index, or NULL. */
struct kvm_cpuid_entry2 *cpuid_find(struct cpuid_table *table, uint32_t function, uint32_t index);

/* The guest-physical address width that @table tells: 36 when it does not. */
unsigned int cpuid_physical_bits(struct cpuid_table *table);

#endif
