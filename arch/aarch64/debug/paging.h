/* SPDX-License-Identifier: BSD-3-Clause */
/* The address translation of EL1 and EL0, walked as the processor would (Arm ARM D8). */

#ifndef FERRY_ARCH_AARCH64_DEBUG_PAGING_H
#define FERRY_ARCH_AARCH64_DEBUG_PAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/debug.h"
#include "vmm/base/text.h"

/* The registers that decide, and guest-physical memory. */
struct paging {
	uint64_t sctlr; /* SCTLR_EL1, and so on */
	uint64_t tcr;
	uint64_t ttbr0;
	uint64_t ttbr1;
	uint64_t mmfr0; /* ID_AA64MMFR0_EL1 */

	/*
	 * Eight bytes in little-endian order at @gpa, a multiple of 8; false: no memory is there.
	 */
	bool (*read)(void *memory, uint64_t gpa, uint64_t *value);
	void *memory;
};

/*
 * arch_debug_translate() of the given state: a pure function. A page whose accessed flag is clear
 * counts as mapped: its bytes are there, only the guest would be told first. `executable` is
 * whether EL0 or EL1 may. With permission indirection (FEAT_S1PIE) the rights are those of the same
 * bits without it.
 */
int paging_walk(const struct paging *paging, uint64_t address, struct arch_translation *translation,
		struct text *steps) FERRY_MUST_CHECK;

/* @address without a tag or a signature: the bits from 56 on repeat bit 55. */
uint64_t paging_canonical(uint64_t address);

/*
 * The bits of a pointer that its signature (FEAT_PAuth) takes under TCR_EL1 @tcr, without bit 55:
 * of @high addresses (TTBR1's) or low ones, of @code or data.
 */
uint64_t paging_signature_mask(uint64_t tcr, bool high, bool code);

#endif
