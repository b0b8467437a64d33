/* SPDX-License-Identifier: BSD-3-Clause */
/* Splits points over debug registers and encodes DR7: a pure function of the points. */

#include "arch/x86_64/debug/points.h"

#include <errno.h>

#include "vmm/base/bits.h"

enum {
	DR7_FIXED = 1 << 10,
	DR7_EXACT = 1 << 9, /* GE: needed by processors of long ago, taken by all */
	DR7_CONDITION = 16, /* the first slot's bits: when, then how much */
	DR7_CONDITION_BITS = 4,
	WHEN_EXECUTED = 0,
	WHEN_WRITTEN = 1,
	WHEN_ACCESSED = 3,
};

static int point_check(const struct arch_debug_point *point)
{
	if (point->kind == ARCH_DEBUG_READ)
		return -EOPNOTSUPP;
	if (point->length == 0 || point->length > DEBUG_WATCH_MAX ||
	    point->address + (point->length - 1) < point->address)
		return -EINVAL;
	return point->kind == ARCH_DEBUG_BREAK && point->length != 1 ? -EINVAL : 0;
}

/* The most bytes that one register can watch from @address on. */
static uint64_t point_slot_length(uint64_t address, uint64_t rest)
{
	uint64_t length = 8;

	while (length > rest || !is_aligned(address, length))
		length /= 2;
	return length;
}

int debug_slots_place(const struct arch_debug_point *points, size_t count,
		      struct debug_slots *slots)
{
	slots->count = 0;
	for (size_t i = 0; i < count; i++) {
		int rc = point_check(&points[i]);
		uint64_t done = 0;

		if (rc)
			return rc;
		while (done < points[i].length) {
			struct debug_slot *slot = &slots->slots[slots->count];

			if (slots->count == DEBUG_SLOTS)
				return -ENOSPC;
			slot->kind = points[i].kind;
			slot->address = points[i].address + done;
			slot->length = point_slot_length(slot->address, points[i].length - done);
			done += slot->length;
			slots->count++;
		}
	}
	return 0;
}

static uint64_t point_slot_condition(const struct debug_slot *slot)
{
	static const uint8_t lengths[] = {[1] = 0, [2] = 1, [8] = 2, [4] = 3};
	uint64_t when = slot->kind == ARCH_DEBUG_BREAK   ? WHEN_EXECUTED
			: slot->kind == ARCH_DEBUG_WRITE ? WHEN_WRITTEN
							 : WHEN_ACCESSED;

	return when | (uint64_t)lengths[slot->length] << 2;
}

void debug_slots_encode(const struct debug_slots *slots, uint64_t registers[DEBUG_REGISTERS])
{
	uint64_t dr7 = DR7_FIXED | DR7_EXACT;

	for (unsigned int i = 0; i < slots->count; i++) {
		registers[i] = slots->slots[i].address;
		dr7 |= UINT64_C(2) << 2 * i;
		dr7 |= point_slot_condition(&slots->slots[i])
		       << (DR7_CONDITION + DR7_CONDITION_BITS * i);
	}
	registers[DEBUG_DR7] = dr7;
}

const struct debug_slot *debug_slots_hit(const struct debug_slots *slots, uint64_t dr6)
{
	const struct debug_slot *hit = NULL;

	for (unsigned int i = 0; i < slots->count; i++) {
		const struct debug_slot *slot = &slots->slots[i];

		if (!(dr6 & UINT64_C(1) << i))
			continue;
		if (slot->kind == ARCH_DEBUG_BREAK)
			return slot;
		if (!hit)
			hit = slot;
	}
	return hit;
}
