/* SPDX-License-Identifier: BSD-3-Clause */
/* The four debug registers, and how breakpoints and watchpoints are put into them. */

#ifndef FERRY_ARCH_X86_64_DEBUG_POINTS_H
#define FERRY_ARCH_X86_64_DEBUG_POINTS_H

#include <stddef.h>
#include <stdint.h>

#include "arch/debug.h"
#include "vmm/base/err.h"

enum {
	DEBUG_SLOTS = 4,
	DEBUG_WATCH_MAX = DEBUG_SLOTS * 8, /* bytes that all of them can watch */
	DEBUG_DR7 = 7,                     /* its place in kvm_guest_debug_arch */
	DEBUG_REGISTERS = 8,
};

/* One of DR0 to DR3: @length is 1, 2, 4 or 8, and @address a multiple of it. */
struct debug_slot {
	enum arch_debug_kind kind;
	uint64_t address;
	uint64_t length;
};

struct debug_slots {
	unsigned int count;
	struct debug_slot slots[DEBUG_SLOTS];
};

/*
 * Gives each point as many registers as it takes. -ENOSPC, -EINVAL and -EOPNOTSUPP as
 * arch_debug_check_points() has them; @slots is then of no use. A pure function.
 */
int debug_slots_place(const struct arch_debug_point *points, size_t count,
		      struct debug_slots *slots) FERRY_MUST_CHECK;

/* DR0 to DR3 and DR7 (SDM 3B, 18.2.4) in their places; the others are left as they are. */
void debug_slots_encode(const struct debug_slots *slots, uint64_t registers[DEBUG_REGISTERS]);

/* The slot that @dr6 says was met, breakpoints first; NULL: none of these. */
const struct debug_slot *debug_slots_hit(const struct debug_slots *slots, uint64_t dr6);

#endif
