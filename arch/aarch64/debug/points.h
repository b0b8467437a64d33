/* SPDX-License-Identifier: BSD-3-Clause */
/* Breakpoints and watchpoints as the processor's debug registers have them (Arm ARM D2). */

#ifndef FERRY_ARCH_AARCH64_DEBUG_POINTS_H
#define FERRY_ARCH_AARCH64_DEBUG_POINTS_H

#include <stddef.h>
#include <stdint.h>

#include "arch/debug.h"
#include "vmm/base/err.h"

enum { DEBUG_REGISTERS_MAX = 16 }; /* of each kind, in the architecture */

/* DBGBCR<n>_EL1 and DBGBVR<n>_EL1, or DBGWCR and DBGWVR. */
struct debug_register {
	uint64_t control;
	uint64_t value;
};

struct debug_encoding {
	unsigned int breakpoints;
	unsigned int watchpoints;
	struct debug_register breakpoint[DEBUG_REGISTERS_MAX];
	struct debug_register watchpoint[DEBUG_REGISTERS_MAX];
};

/*
 * The registers for @points, of which @support tells how many there are; a watchpoint takes as many
 * as its range has aligned parts. A pure function, with arch_debug_check_points()'s errors.
 */
int debug_points_encode(const struct arch_debug_support *support,
			const struct arch_debug_point *points, size_t count,
			struct debug_encoding *encoding) FERRY_MUST_CHECK;

/*
 * The watchpoint that an access at @address met, @write being what it did there: of those that
 * watch for such, or else of all, the nearest one, as the processor may tell of the access's first
 * byte and not of the watched one. *@within is the address in its range that is nearest. NULL:
 * @points has none.
 */
const struct arch_debug_point *debug_points_match(const struct arch_debug_point *points,
						  size_t count, uint64_t address, bool write,
						  uint64_t *within);

#endif
