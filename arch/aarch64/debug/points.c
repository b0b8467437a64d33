/* SPDX-License-Identifier: BSD-3-Clause */
/* Breakpoints and watchpoints as the processor's debug registers have them (Arm ARM D2). */

#include "arch/aarch64/debug/points.h"

#include <errno.h>

#include "arch/aarch64/debug/paging.h"
#include "vmm/base/bits.h"

enum {
	CONTROL_ENABLE = 1 << 0,
	CONTROL_EL0_AND_EL1 = 3 << 1, /* PMC, PAC; HMC and SSC stay 0 */
	CONTROL_ALL_BYTES_OF_4 = 0xf << 5,
	CONTROL_LOAD = 1 << 3,
	CONTROL_STORE = 2 << 3,
	CONTROL_BYTES_SHIFT = 5, /* BAS, a bit for each of eight bytes */
	CONTROL_MASK_SHIFT = 24, /* MASK, how many low bits of the address do not count */
	ALL_BYTES = 0xff,
	WORD = 8,       /* bytes that one watchpoint tells apart */
	MASK_MOST = 31, /* 2 GiB */
	INSTRUCTION = 4,
};

static int point_encode_break(const struct arch_debug_support *support,
			      const struct arch_debug_point *point, struct debug_encoding *encoding)
{
	if (!is_aligned(point->address, INSTRUCTION))
		return -EINVAL;
	if (encoding->breakpoints >= support->breakpoints ||
	    encoding->breakpoints >= DEBUG_REGISTERS_MAX)
		return -ENOSPC;
	encoding->breakpoint[encoding->breakpoints++] = (struct debug_register){
		.control = CONTROL_ENABLE | CONTROL_EL0_AND_EL1 | CONTROL_ALL_BYTES_OF_4,
		.value = paging_canonical(point->address),
	};
	return 0;
}

/*
 * The first part of a range that one register can watch, and its length: bytes of one aligned word,
 * or the largest power of two that the address is aligned to.
 */
static uint64_t point_encode_part(uint64_t address, uint64_t length, struct debug_register *part)
{
	uint64_t offset = address % WORD, bytes = WORD - offset;
	unsigned int bits = 3;

	if (length < bytes)
		bytes = length;
	if (bytes < WORD) {
		part->control = ((UINT64_C(1) << bytes) - 1) << offset << CONTROL_BYTES_SHIFT;
		part->value = address - offset;
		return bytes;
	}
	while (bits < MASK_MOST && is_aligned(address, UINT64_C(2) << bits) &&
	       length >= UINT64_C(2) << bits)
		bits++;
	part->control = ALL_BYTES << CONTROL_BYTES_SHIFT;
	if (bits > 3)
		part->control |= (uint64_t)bits << CONTROL_MASK_SHIFT;
	part->value = address;
	return UINT64_C(1) << bits;
}

static uint64_t point_access_bits(enum arch_debug_kind kind)
{
	switch (kind) {
	case ARCH_DEBUG_READ:
		return CONTROL_LOAD;
	case ARCH_DEBUG_WRITE:
		return CONTROL_STORE;
	default:
		return CONTROL_LOAD | CONTROL_STORE;
	}
}

static int point_encode_watch(const struct arch_debug_support *support,
			      const struct arch_debug_point *point, struct debug_encoding *encoding)
{
	uint64_t address = point->address, left = point->length;

	if (left == 0 || address + (left - 1) < address)
		return -EINVAL;
	while (left > 0) {
		struct debug_register *part;
		uint64_t length;

		if (encoding->watchpoints >= support->watchpoints ||
		    encoding->watchpoints >= DEBUG_REGISTERS_MAX)
			return -ENOSPC;
		part = &encoding->watchpoint[encoding->watchpoints++];
		length = point_encode_part(address, left, part);
		part->control |=
			CONTROL_ENABLE | CONTROL_EL0_AND_EL1 | point_access_bits(point->kind);
		part->value = paging_canonical(part->value);
		address += length;
		left -= length;
	}
	return 0;
}

int debug_points_encode(const struct arch_debug_support *support,
			const struct arch_debug_point *points, size_t count,
			struct debug_encoding *encoding)
{
	int rc = 0;

	*encoding = (struct debug_encoding){0};
	for (size_t i = 0; i < count && !rc; i++) {
		if (points[i].kind == ARCH_DEBUG_BREAK)
			rc = point_encode_break(support, &points[i], encoding);
		else
			rc = point_encode_watch(support, &points[i], encoding);
	}
	return rc;
}

/* How far @address is from the point's range; *@within is where that is nearest. */
static uint64_t point_distance(const struct arch_debug_point *point, uint64_t address,
			       uint64_t *within)
{
	uint64_t first = paging_canonical(point->address), last = first + (point->length - 1);

	if (address < first) {
		*within = first;
		return first - address;
	}
	*within = address > last ? last : address;
	return address - *within;
}

static bool point_watches(const struct arch_debug_point *point, bool write)
{
	return point->kind == ARCH_DEBUG_ACCESS ||
	       point->kind == (write ? ARCH_DEBUG_WRITE : ARCH_DEBUG_READ);
}

const struct arch_debug_point *debug_points_match(const struct arch_debug_point *points,
						  size_t count, uint64_t address, bool write,
						  uint64_t *within)
{
	const struct arch_debug_point *best = NULL;
	uint64_t near = 0, at, far;
	bool best_fits = false;

	address = paging_canonical(address);
	for (size_t i = 0; i < count; i++) {
		bool fits = point_watches(&points[i], write);

		if (points[i].kind == ARCH_DEBUG_BREAK || points[i].length == 0)
			continue;
		far = point_distance(&points[i], address, &at);
		if (best && (fits == best_fits ? far >= near : best_fits))
			continue;
		best = &points[i];
		best_fits = fits;
		near = far;
		*within = at;
	}
	return best;
}
