/* SPDX-License-Identifier: BSD-3-Clause */
/* The generic PCI host of a device tree (pci-host-ecam-generic; IEEE 1275 PCI bus binding 2.1). */

#include "arch/fdt/pci.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "devices/pci/pci.h"
#include "vmm/base/bits.h"

/* The upper cell of a PCI address (2.2.1.1), and the fields of it. */
enum {
	PCI_SPACE_IO = 0x01000000,
	PCI_SPACE_MEMORY32 = 0x02000000,
	PCI_SPACE_MEMORY64 = 0x03000000,
	PCI_SLOT_SHIFT = 11,
};

enum {
	MAP_OWN_CELLS = 5, /* of an entry of interrupt-map: function, pin, parent */
	RANGE_CELLS = 7,   /* of an entry of ranges */
};

/* Appends a window that has the guest-physical address @base and the PCI address @address. */
static size_t pci_add_range(uint32_t *cells, size_t count, uint32_t space, uint64_t address,
			    const struct ram_range *window)
{
	const uint32_t range[RANGE_CELLS] = {
		space,
		dt_high(address),
		dt_low(address),
		dt_high(window->base),
		dt_low(window->base),
		dt_high(window->size),
		dt_low(window->size),
	};

	if (window->size == 0)
		return count;
	memcpy(cells + count, range, sizeof(range));
	return count + RANGE_CELLS;
}

/*
 * None is prefetchable: Linux puts BARs of both kinds into a window that is not, and 64-bit ones
 * into the 64-bit window first.
 */
static void pci_add_ranges(struct dt *dt, const struct dt_pci *pci)
{
	const struct ram_range *mmio32 = &pci->platform->mmio32, *mmio64 = &pci->platform->mmio64;
	uint32_t cells[3 * RANGE_CELLS];
	size_t count = 0;

	count = pci_add_range(cells, count, PCI_SPACE_IO, 0, &pci->io);
	count = pci_add_range(cells, count, PCI_SPACE_MEMORY32, mmio32->base, mmio32);
	count = pci_add_range(cells, count, PCI_SPACE_MEMORY64, mmio64->base, mmio64);
	dt_cells(dt, "ranges", cells, count);
}

/* Every pin of every slot of the root bus, where the host bridge raises it. */
static void pci_add_interrupts(struct dt *dt, const struct dt_pci *pci)
{
	uint32_t map[PCI_SLOTS * PCI_PINS * (MAP_OWN_CELLS + DT_SPECIFIER_MAX)];
	uint32_t *next = map;

	assert(pci->specifier_cells <= DT_SPECIFIER_MAX);
	for (uint32_t slot = 0; slot < PCI_SLOTS; slot++) {
		for (uint32_t pin = 0; pin < PCI_PINS; pin++) {
			uint32_t gsi = pci_intx_gsi(pci->platform->intx_gsi,
						    pci->platform->intx_count, slot, pin);
			uint32_t entry[MAP_OWN_CELLS + DT_SPECIFIER_MAX] = {slot << PCI_SLOT_SHIFT,
									    0, 0, pin + 1,
									    pci->interrupt_parent};

			pci->specify(gsi, entry + MAP_OWN_CELLS);
			for (size_t i = 0; i < MAP_OWN_CELLS + pci->specifier_cells; i++)
				*next++ = htobe32(entry[i]);
		}
	}
	dt_u32(dt, "#interrupt-cells", 1);
	dt_list(dt, "interrupt-map-mask", (PCI_SLOTS - 1) << PCI_SLOT_SHIFT, 0, 0, 7);
	dt_bytes(dt, "interrupt-map", map, (size_t)(next - map) * sizeof(*map));
}

/* BARs have addresses already, but the guest may move them: no linux,pci-probe-only. */
void dt_add_pci(struct dt *dt, const struct dt_pci *pci)
{
	const struct ram_range *ecam = &pci->platform->ecam;

	dt_begin_at(dt, "pcie", ecam->base);
	dt_string(dt, "compatible", "pci-host-ecam-generic");
	dt_string(dt, "device_type", "pci");
	dt_sizes(dt, 3, 2);
	dt_reg(dt, ecam->base, ecam->size);
	dt_list(dt, "bus-range", 0, (uint32_t)(ecam->size / MIB) - 1);
	dt_u32(dt, "linux,pci-domain", 0);
	dt_flag(dt, "dma-coherent");
	pci_add_ranges(dt, pci);
	pci_add_interrupts(dt, pci);
	dt_list(dt, "msi-map", 0, pci->msi_parent, 0, 0x10000);
	dt_end(dt);
}
