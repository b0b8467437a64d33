/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUID leaves: topology as one package of single-threaded cores, clocks, KVM's signature. */

#include "arch/x86_64/cpuid.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/bits.h"

#define LEAF1_ECX_VMX          (UINT32_C(1) << 5)
#define LEAF1_ECX_X2APIC       (UINT32_C(1) << 21)
#define LEAF1_ECX_TSC_DEADLINE (UINT32_C(1) << 24)
#define LEAF1_ECX_HYPERVISOR   (UINT32_C(1) << 31)
#define LEAF1_EDX_HTT          (UINT32_C(1) << 28)
#define LEAF6_EAX_ARAT         (UINT32_C(1) << 2)
#define LEAF7_EDX_AMX          (UINT32_C(1) << 22 | UINT32_C(1) << 24 | UINT32_C(1) << 25)
#define AMD_ECX_CMP_LEGACY     (UINT32_C(1) << 1)
#define AMD_ECX_SVM            (UINT32_C(1) << 2)

enum {
	LEAF_KVM = 0x40000000,
	LEAF_KVM_FREQUENCIES = 0x40000010,
	APIC_BUS_KHZ = 1000000, /* KVM's LAPIC timer counts nanoseconds */
	LEVEL_SMT = 1,
	LEVEL_CORE = 2,
	PHYSICAL_BITS_WITHOUT_LEAF = 36, /* SDM 3A, 4.1.4 */
	PHYSICAL_BITS_MAX = 52,
	LEAF_XSAVE = 0xd,
	XCR0_AMX = 1 << 17 | 1 << 18, /* XTILECFG, XTILEDATA: both or none (SDM 1, 13.3) */
};

_Static_assert(offsetof(struct cpuid_table, entries) == offsetof(struct kvm_cpuid2, entries),
	       "cpuid_table is handed to KVM as kvm_cpuid2");

struct kvm_cpuid_entry2 *cpuid_find(struct cpuid_table *table, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < table->count; i++) {
		struct kvm_cpuid_entry2 *entry = &table->entries[i];

		if (entry->function == function &&
		    (entry->index == index || !(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX)))
			return entry;
	}
	return NULL;
}

/* The entry, added empty when it is not there; NULL when the table is full. */
static struct kvm_cpuid_entry2 *cpuid_find_or_add(struct cpuid_table *table, uint32_t function,
						  uint32_t index, uint32_t flags)
{
	struct kvm_cpuid_entry2 *entry = cpuid_find(table, function, index);

	if (entry)
		return entry;
	if (table->count == CPUID_ENTRIES_MAX)
		return NULL;
	entry = &table->entries[table->count++];
	*entry = (struct kvm_cpuid_entry2){.function = function, .index = index, .flags = flags};
	return entry;
}

static void cpuid_remove_leaf(struct cpuid_table *table, uint32_t function)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < table->count; i++)
		if (table->entries[i].function != function)
			table->entries[kept++] = table->entries[i];
	table->count = kept;
}

/* The bits of an APIC id that tell the cores of the package apart. */
static unsigned int cpuid_core_bits(unsigned int cpus)
{
	return cpus <= 1 ? 0 : 32 - (unsigned int)__builtin_clz(cpus - 1);
}

static void cpuid_adjust_features(struct cpuid_table *table, const struct cpuid_config *config)
{
	struct kvm_cpuid_entry2 *leaf1 = cpuid_find(table, 1, 0);
	struct kvm_cpuid_entry2 *amd1 = cpuid_find(table, 0x80000001, 0);
	struct kvm_cpuid_entry2 *power = cpuid_find(table, 6, 0);

	if (leaf1) {
		leaf1->ebx = (leaf1->ebx & 0xffff) | config->apic_id << 24 |
			     (1U << cpuid_core_bits(config->cpus) & 0xff) << 16;
		leaf1->ecx &= ~(LEAF1_ECX_VMX | LEAF1_ECX_TSC_DEADLINE);
		leaf1->ecx |= LEAF1_ECX_HYPERVISOR | LEAF1_ECX_X2APIC;
		if (config->tsc_deadline)
			leaf1->ecx |= LEAF1_ECX_TSC_DEADLINE;
		leaf1->edx &= ~LEAF1_EDX_HTT;
		if (config->cpus > 1)
			leaf1->edx |= LEAF1_EDX_HTT;
	}
	if (amd1) {
		amd1->ecx &= ~(AMD_ECX_SVM | AMD_ECX_CMP_LEGACY);
		if (config->cpus > 1 && cpuid_find(table, 0x8000001e, 0))
			amd1->ecx |= AMD_ECX_CMP_LEGACY;
	}
	if (power) {
		*power = (struct kvm_cpuid_entry2){.function = 6, .eax = LEAF6_EAX_ARAT};
	}
	cpuid_remove_leaf(table, 0x8000000a);
}

/*
 * AMX needs the host kernel's permission, which is not asked for. Kernels before 6.4 then still
 * offer one half of its state, and a guest that takes what it is offered dies of XSETBV.
 */
static void cpuid_adjust_amx(struct cpuid_table *table)
{
	struct kvm_cpuid_entry2 *xsave = cpuid_find(table, LEAF_XSAVE, 0);
	struct kvm_cpuid_entry2 *leaf7 = cpuid_find(table, 7, 0);

	if (!xsave || (xsave->eax & XCR0_AMX) == XCR0_AMX)
		return;
	xsave->eax &= ~(uint32_t)XCR0_AMX;
	if (leaf7)
		leaf7->edx &= ~LEAF7_EDX_AMX;
}

/*
 * Caches (SDM leaf 4, AMD 0x8000001d): levels 1 and 2 are a core's own, level 3 is the package's.
 */
static void cpuid_adjust_caches(struct cpuid_table *table, const struct cpuid_config *config)
{
	uint32_t cores = (1U << cpuid_core_bits(config->cpus)) - 1;

	for (uint32_t i = 0; i < table->count; i++) {
		struct kvm_cpuid_entry2 *entry = &table->entries[i];
		uint32_t sharing = (entry->eax >> 5 & 7) >= 3 ? cores : 0;

		if ((entry->function != 4 && entry->function != 0x8000001d) ||
		    (entry->eax & 0x1f) == 0)
			continue;
		entry->eax = (entry->eax & 0x3fff) | sharing << 14;
		if (entry->function == 4)
			entry->eax |= (cores > 63 ? 63 : cores) << 26;
	}
}

/* Leaf 0xb, and 0x1f where KVM has it: a level of threads (one) and one of cores. */
static int cpuid_adjust_topology_leaf(struct cpuid_table *table, const struct cpuid_config *config,
				      uint32_t function)
{
	const struct {
		uint32_t shift, processors, level;
	} levels[] = {
		{0, 1, LEVEL_SMT},
		{cpuid_core_bits(config->cpus), config->cpus, LEVEL_CORE},
		{0, 0, 0},
	};

	cpuid_remove_leaf(table, function);
	for (uint32_t i = 0; i < ARRAY_SIZE(levels); i++) {
		struct kvm_cpuid_entry2 *entry =
			cpuid_find_or_add(table, function, i, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);

		if (!entry)
			return -ENOSPC;
		entry->eax = levels[i].shift;
		entry->ebx = levels[i].processors;
		entry->ecx = levels[i].level << 8 | i;
		entry->edx = config->apic_id;
	}
	return 0;
}

static int cpuid_adjust_topology(struct cpuid_table *table, const struct cpuid_config *config)
{
	struct kvm_cpuid_entry2 *size = cpuid_find(table, 0x80000008, 0);
	struct kvm_cpuid_entry2 *node = cpuid_find(table, 0x8000001e, 0);
	struct kvm_cpuid_entry2 *highest = cpuid_find(table, 0, 0);
	bool extended = cpuid_find(table, 0x1f, 0);
	int rc = 0;

	if (size)
		size->ecx = cpuid_core_bits(config->cpus) << 12 | (config->cpus - 1);
	if (node) {
		node->eax = config->apic_id;
		node->ebx = config->apic_id & 0xff;
		node->ecx = 0;
		node->edx = 0;
	}
	cpuid_remove_leaf(table, 0x80000026);
	if (highest && highest->eax >= 0xb)
		rc = cpuid_adjust_topology_leaf(table, config, 0xb);
	if (!rc && extended)
		rc = cpuid_adjust_topology_leaf(table, config, 0x1f);
	return rc;
}

/*
 * KVM's own leaves. The frequency leaf is what VMware and others agreed on; Intel's leaf 0x15 tells
 * the same to guests that trust it, with the LAPIC timer's clock as the crystal.
 */
static int cpuid_adjust_clocks(struct cpuid_table *table, const struct cpuid_config *config)
{
	struct kvm_cpuid_entry2 *signature = cpuid_find_or_add(table, LEAF_KVM, 0, 0);
	struct kvm_cpuid_entry2 *frequencies;
	struct kvm_cpuid_entry2 *crystal = cpuid_find(table, 0x15, 0);
	const struct kvm_cpuid_entry2 *vendor = cpuid_find(table, 0, 0);

	if (!signature)
		return -ENOSPC;
	memcpy(&signature->ebx, "KVMKVMKVM\0\0\0", 12);
	if (signature->eax < LEAF_KVM + 1)
		signature->eax = LEAF_KVM + 1;
	if (config->tsc_khz == 0 || config->tsc_khz > UINT32_MAX)
		return 0;

	frequencies = cpuid_find_or_add(table, LEAF_KVM_FREQUENCIES, 0, 0);
	if (!frequencies)
		return -ENOSPC;
	if (signature->eax < LEAF_KVM_FREQUENCIES)
		signature->eax = LEAF_KVM_FREQUENCIES;
	frequencies->eax = (uint32_t)config->tsc_khz;
	frequencies->ebx = APIC_BUS_KHZ;
	if (crystal && vendor && memcmp(&vendor->ebx, "Genu", 4) == 0) {
		crystal->eax = APIC_BUS_KHZ;
		crystal->ebx = (uint32_t)config->tsc_khz;
		crystal->ecx = APIC_BUS_KHZ * 1000U;
	}
	return 0;
}

int cpuid_adjust(struct cpuid_table *table, const struct cpuid_config *config)
{
	int rc;

	cpuid_adjust_features(table, config);
	cpuid_adjust_amx(table);
	cpuid_adjust_caches(table, config);
	rc = cpuid_adjust_topology(table, config);
	if (!rc)
		rc = cpuid_adjust_clocks(table, config);
	return rc;
}

uint64_t cpuid_xcr0(struct cpuid_table *table)
{
	const struct kvm_cpuid_entry2 *entry = cpuid_find(table, LEAF_XSAVE, 0);

	return !entry ? 0 : entry->eax | (uint64_t)entry->edx << 32;
}

unsigned int cpuid_physical_bits(struct cpuid_table *table)
{
	const struct kvm_cpuid_entry2 *entry = cpuid_find(table, 0x80000008, 0);
	unsigned int bits, guest_bits;

	if (!entry)
		return PHYSICAL_BITS_WITHOUT_LEAF;
	bits = entry->eax & 0xff;
	guest_bits = entry->eax >> 16 & 0xff;
	if (guest_bits != 0 && guest_bits < bits)
		bits = guest_bits;
	if (bits < PHYSICAL_BITS_WITHOUT_LEAF)
		return PHYSICAL_BITS_WITHOUT_LEAF;
	return bits > PHYSICAL_BITS_MAX ? PHYSICAL_BITS_MAX : bits;
}
