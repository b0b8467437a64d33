/* SPDX-License-Identifier: BSD-3-Clause */
/* The generic PCI host of a device tree: ECAM, windows, where INTx and MSIs go. */

#ifndef FERRY_ARCH_FDT_PCI_H
#define FERRY_ARCH_FDT_PCI_H

#include <stdint.h>

#include "arch/fdt/tree.h"
#include "arch/platform.h"

enum { DT_SPECIFIER_MAX = 8 }; /* cells of an interrupt at its controller */

struct dt_pci {
	const struct platform *platform; /* ECAM, windows of memory, GSIs of INTx */
	struct ram_range io;             /* guest-physical memory behind which port 0 and on are */

	/*
	 * The interrupt controller's phandle; how it has GSI @gsi: its own unit address, in as many
	 * cells as its #address-cells, and the interrupt.
	 */
	uint32_t interrupt_parent;
	unsigned int specifier_cells;
	void (*specify)(uint32_t gsi, uint32_t *cells);

	uint32_t msi_parent; /* phandle; a requester ID is the device ID there */
};

void dt_add_pci(struct dt *dt, const struct dt_pci *pci);

#endif
