/* SPDX-License-Identifier: BSD-3-Clause */
/* Exceptions to EL1 as the processor takes them (Arm ARM D1.3). */

#ifndef FERRY_ARCH_AARCH64_DEBUG_EXCEPTION_H
#define FERRY_ARCH_AARCH64_DEBUG_EXCEPTION_H

#include <stdint.h>

enum {
	EXCEPTION_VECTOR_SIZE = 0x80,
	EXCEPTION_VECTORS = 4, /* of each mode: synchronous, IRQ, FIQ, SError */
};

/* Where the vectors of exceptions from the mode in @pstate are, in bytes from VBAR_EL1 on. */
uint64_t exception_offset(uint64_t pstate);

/*
 * PSTATE after an exception to EL1 was taken with @pstate, by what SCTLR_EL1, ID_AA64MMFR1_EL1 and
 * ID_AA64PFR1_EL1 say. A pure function.
 */
uint64_t exception_pstate(uint64_t pstate, uint64_t sctlr, uint64_t mmfr1, uint64_t pfr1);

#endif
