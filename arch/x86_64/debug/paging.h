/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's page tables, walked in the ways that the processor knows. */

#ifndef FERRY_ARCH_X86_64_DEBUG_PAGING_H
#define FERRY_ARCH_X86_64_DEBUG_PAGING_H

#include <stdint.h>

#include "arch/debug.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"

/* What decides on a walk, and the memory that the tables are in. */
struct x86_paging {
	uint64_t cr0;
	uint64_t cr3;
	uint64_t cr4;
	uint64_t efer;
	unsigned int physical_bits; /* address width, 36 to 52 */
	/*
	 * Reads @size (4 or 8) bytes, aligned, as a little-endian number; -EFAULT: no memory there.
	 */
	int (*read)(const void *memory, uint64_t gpa, unsigned int size, uint64_t *value);
	const void *memory;
};

/*
 * Walks to linear @address; a pure function of what is given. -EFAULT: not mapped, or by an entry
 * that the processor refuses. @steps as arch_debug_translate() has it. The PDPT of PAE paging is
 * taken from memory, not from the registers that the processor loads with CR3.
 */
int paging_walk(const struct x86_paging *paging, uint64_t address,
		struct arch_translation *translation, struct text *steps) FERRY_MUST_CHECK;

/*
 * The lowest mapped address from @first to @last, both inclusive. -EFAULT when there is none. Costs
 * a walk for each entry that maps nothing.
 */
int paging_find(const struct x86_paging *paging, uint64_t first, uint64_t last, uint64_t *address,
		struct arch_translation *translation) FERRY_MUST_CHECK;

#endif
