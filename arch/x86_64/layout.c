/* SPDX-License-Identifier: BSD-3-Clause */
/* Where RAM, ECAM and PCI's windows are in guest-physical space: a pure function. */

#include <errno.h>

#include "arch/arch.h"
#include "arch/place.h"
#include "arch/x86_64/platform_x86.h"
#include "vmm/base/bits.h"

#define HOLE_STEP   GIB
#define HOLE_LOWEST GIB

uint64_t arch_ram_minimum(void)
{
	return 2 * MIB;
}

static struct place_span layout_window_above(uint64_t hole)
{
	return (struct place_span){hole + X86_ECAM_SIZE, X86_MMIO32_END};
}

/*
 * ECAM, with room for all buses whatever their number, then the 32-bit window up to the interrupt
 * controllers. The hole starts lower, by whole GiB, until the window holds an aligned block of the
 * size that is needed, or else just the bytes.
 */
static int layout_place_hole(struct place *place, uint64_t *hole, struct err *err)
{
	*hole = X86_HOLE_BASE;
	while (*hole > HOLE_LOWEST && !place_window32_roomy(place, layout_window_above(*hole)))
		*hole -= HOLE_STEP;
	place->platform->ecam = (struct ram_range){*hole, place->request->buses * MIB};
	return place_window32(place, layout_window_above(*hole), err);
}

/* Below @hole, then above 4 GiB. */
static int layout_place_all_ram(struct place *place, uint64_t hole, struct err *err)
{
	const struct platform *platform = place->platform;
	uint64_t lowest = X86_HIGH_RAM_BASE;
	int rc = place_ram(place, (struct place_span){0, hole}, err);

	if (!rc && (platform->ram_count == 0 || platform->ram[0].base != 0 ||
		    platform->ram[0].size < lowest))
		return err_set(err, -ENOSPC,
			       "guest memory: the first MiB: the IOMMU cannot map addresses there "
			       "in pages of %llu KiB: use smaller pages or another device",
			       (unsigned long long)(place->request->page_size / KIB));
	if (!rc)
		rc = place_ram(place, (struct place_span){PLACE_HIGH_BASE, place->top}, err);
	return rc ? rc : place_ram_end(place, err);
}

int arch_layout(const struct arch_layout_request *request, struct platform *platform,
		struct err *err)
{
	struct place place;
	uint64_t hole;
	int rc = place_begin(&place, request, platform, request->page_size, err);

	if (rc)
		return rc;
	platform->io = (struct ram_range){X86_PORT_PCI_BASE, X86_PORT_PCI_END - X86_PORT_PCI_BASE};
	platform->intx_gsi = X86_GSI_INTX;
	platform->intx_count = X86_GSI_INTX_COUNT;
	rc = layout_place_hole(&place, &hole, err);
	if (!rc)
		rc = layout_place_all_ram(&place, hole, err);
	return rc ? rc : place_window64(&place, err);
}
