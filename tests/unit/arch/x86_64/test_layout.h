/* SPDX-License-Identifier: BSD-3-Clause */
/* A request for a layout, and what comes of it. */

#ifndef FERRY_TESTS_UNIT_ARCH_X86_64_TEST_LAYOUT_H
#define FERRY_TESTS_UNIT_ARCH_X86_64_TEST_LAYOUT_H

#include <check.h>

#include "arch/arch.h"
#include "arch/x86_64/platform_x86.h"
#include "vmm/base/bits.h"

#define TIB (1024 * GIB)

static struct arch_layout_request request;
static struct platform platform;
static struct err err;

static inline void setup(void)
{
	request = (struct arch_layout_request){.cpus = 1,
					       .ram_size = 256 * MIB,
					       .page_size = 4096,
					       .buses = 256,
					       .physical_bits = 46};
	err = (struct err){0};
}

static inline uint64_t end_of(struct ram_range range)
{
	return range.base + range.size;
}

static inline bool overlap(struct ram_range a, struct ram_range b)
{
	return ranges_overlap(a.base, a.size, b.base, b.size);
}

static inline bool usable(struct ram_range piece)
{
	if (!request.usable)
		return true;
	for (size_t i = 0; i < request.usable_count; i++)
		if (piece.base >= request.usable[i].base &&
		    end_of(piece) <= end_of(request.usable[i]))
			return true;
	return false;
}

/* What holds of every layout; then the caller looks at its own. */
static inline void lay_out(void)
{
	static const struct ram_range fixed[] = {{X86_MMIO32_END, 4 * GIB - X86_MMIO32_END}};
	uint64_t total = 0, top = (uint64_t)1 << request.physical_bits;

	ck_assert_msg(arch_layout(&request, &platform, &err) == 0, "%s", err.text);
	ck_assert_uint_gt(platform.ram_count, 0);
	ck_assert_uint_eq(platform.ram[0].base, 0);
	ck_assert_uint_ge(platform.ram[0].size, MIB);
	for (size_t i = 0; i < platform.ram_count; i++) {
		struct ram_range piece = platform.ram[i];

		total += piece.size;
		ck_assert(is_aligned(piece.base | piece.size, request.page_size));
		ck_assert(piece.size > 0 && end_of(piece) <= top);
		ck_assert(i == 0 || end_of(platform.ram[i - 1]) <= piece.base);
		ck_assert(usable(piece));
		ck_assert(!overlap(piece, platform.ecam) && !overlap(piece, platform.mmio32) &&
			  !overlap(piece, platform.mmio64) && !overlap(piece, fixed[0]));
	}
	ck_assert_uint_eq(total, request.ram_size);
	ck_assert_uint_ge(platform.mmio32.size, request.mmio32_needed);
	ck_assert_uint_ge(platform.mmio64.size, request.mmio64_needed);
	ck_assert_uint_le(end_of(platform.ecam), platform.mmio32.base);
	ck_assert_uint_le(end_of(platform.mmio32), X86_MMIO32_END);
	ck_assert(is_aligned(platform.ecam.base, 256 * MIB));
	ck_assert_uint_eq(platform.ecam.size, request.buses * MIB);
	if (platform.mmio64.size > 0) {
		ck_assert(is_power_of_2(platform.mmio64.size));
		ck_assert(is_aligned(platform.mmio64.base, platform.mmio64.size));
		ck_assert_uint_ge(platform.mmio64.base, 4 * GIB);
		ck_assert_uint_le(end_of(platform.mmio64), top);
		ck_assert(usable(platform.mmio64));
	}
}

#endif
