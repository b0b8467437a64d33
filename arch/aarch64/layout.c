/* SPDX-License-Identifier: BSD-3-Clause */
/* Where RAM, ECAM and PCI's windows are in guest-physical space: a pure function. */

#include "arch/aarch64/platform_arm.h"
#include "arch/arch.h"
#include "arch/place.h"
#include "vmm/base/bits.h"

/*
 * A kernel and the device tree, each at a multiple of 2 MiB of its own
 * (Documentation/arm64/booting.rst).
 */
uint64_t arch_ram_minimum(void)
{
	return 4 * MIB;
}

static struct place_span layout_window_below(uint64_t ram_base)
{
	return (struct place_span){ARM_MMIO32_BASE, ram_base};
}

/*
 * The 32-bit window ends where RAM begins: higher, by whole GiB, until it holds an aligned block of
 * the size that is needed, or else just the bytes.
 */
static int layout_place_low_window(struct place *place, uint64_t *ram_base, struct err *err)
{
	*ram_base = ARM_RAM_BASE;
	while (*ram_base < ARM_RAM_BASE_HIGHEST &&
	       !place_window32_roomy(place, layout_window_below(*ram_base)))
		*ram_base += GIB;
	return place_window32(place, layout_window_below(*ram_base), err);
}

int arch_layout(const struct arch_layout_request *request, struct platform *platform,
		struct err *err)
{
	struct place place;
	uint64_t ram_base;
	int rc = place_begin(&place, request, platform, ARM_PAGE_MAX, err);

	if (rc)
		return rc;
	platform->ecam = (struct ram_range){ARM_ECAM_BASE, request->buses * MIB};
	platform->io = (struct ram_range){ARM_PORT_PCI_BASE, ARM_PCI_IO_SIZE - ARM_PORT_PCI_BASE};
	platform->intx_gsi = ARM_GSI_INTX;
	platform->intx_count = ARM_GSI_INTX_COUNT;
	rc = layout_place_low_window(&place, &ram_base, err);
	if (!rc)
		rc = place_ram(&place, (struct place_span){ram_base, place.top}, err);
	if (!rc)
		rc = place_ram_end(&place, err);
	return rc ? rc : place_window64(&place, err);
}
