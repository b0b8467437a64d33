/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Places RAM and PCI windows where the machine and its devices can reach: what all layouts share.
 */

#ifndef FERRY_ARCH_PLACE_H
#define FERRY_ARCH_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "vmm/base/bits.h"

/* Where the 64-bit window begins at the earliest. */
#define PLACE_HIGH_BASE (4 * GIB)

/* Guest-physical addresses. */
struct place_span {
	uint64_t base;
	uint64_t end; /* one past the last */
};

struct place {
	const struct arch_layout_request *request;
	struct platform *platform;
	uint64_t top;        /* one past the last guest-physical address */
	uint64_t page;       /* pieces of RAM begin, and all but the last end, at a multiple */
	uint64_t ram_wanted; /* bytes still to be placed */
};

/*
 * Checks @request, and puts into @platform what is taken over from it. Pieces of RAM will be
 * aligned to @page at least, a power of two. -EINVAL with @err set; both pointers are kept in
 * @place.
 */
int place_begin(struct place *place, const struct arch_layout_request *request,
		struct platform *platform, uint64_t page, struct err *err) FERRY_MUST_CHECK;

/* Whether @span holds an aligned block as large as all 32-bit BARs together. */
bool place_window32_roomy(const struct place *place, struct place_span span);

/*
 * Makes @span the 32-bit window. -ENOSPC with @err set when the BARs do not even fit by their
 * sizes.
 */
int place_window32(struct place *place, struct place_span span, struct err *err) FERRY_MUST_CHECK;

/*
 * Makes RAM of what is usable in @area, upwards, as far as more is wanted; small fragments are left
 * out. -ENOSPC with @err set when there are too many pieces.
 */
int place_ram(struct place *place, struct place_span area, struct err *err) FERRY_MUST_CHECK;

/* After the last place_ram(): -ENOSPC with @err set when not all RAM was placed. */
int place_ram_end(struct place *place, struct err *err) FERRY_MUST_CHECK;

/*
 * The 64-bit window, above all RAM and 4 GiB: a power of two, aligned to its size, in one usable
 * range. There is none when no 64-bit BAR needs it and there is no room; -ENOSPC with @err set when
 * one does.
 */
int place_window64(struct place *place, struct err *err) FERRY_MUST_CHECK;

#endif
