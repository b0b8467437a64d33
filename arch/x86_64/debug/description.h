/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registers that a debugger sees: their numbers, where they are kept, gdb's description of
 * them.
 */

#ifndef FERRY_ARCH_X86_64_DEBUG_DESCRIPTION_H
#define FERRY_ARCH_X86_64_DEBUG_DESCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

/* Where a register is kept; says what `where` is. */
enum debug_source {
	DEBUG_REGS,       /* offset in struct kvm_regs */
	DEBUG_SREGS,      /* offset in struct kvm_sregs */
	DEBUG_SELECTOR,   /* the same, of a segment's selector */
	DEBUG_FXSAVE,     /* offset in the area of FXSAVE (SDM 1, table 10-2) */
	DEBUG_FXSAVE_TAG, /* the x87 tag word, kept there in short */
	DEBUG_YMM_HIGH,   /* offset in the area of AVX */
	DEBUG_MSR,        /* its index */
	DEBUG_XCR0,
};

struct x86_register {
	enum debug_source source;
	uint32_t where;
	uint8_t size;  /* bytes, as a debugger sees it */
	uint8_t width; /* bytes, as it is kept: the upper ones of a wider register are zero */
};

enum { DEBUG_REGISTERS_MAX = 112, DEBUG_DESCRIPTION_SIZE = 16384, DEBUG_NUMBER_RIP = 16 };

struct debug_description {
	unsigned int count;
	unsigned int general; /* the first ones, for the `g` packet */
	struct x86_register registers[DEBUG_REGISTERS_MAX];
	char text[DEBUG_DESCRIPTION_SIZE]; /* target.xml */
};

/* Fills @description, with the upper halves of the vector registers if @avx. A pure function. */
void debug_description_fill(struct debug_description *description, bool avx);

#endif
