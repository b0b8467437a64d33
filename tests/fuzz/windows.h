/* SPDX-License-Identifier: BSD-3-Clause */
/* The PCI host of a fuzzed guest: where its windows are, and whether something is in them. */

#ifndef FERRY_TESTS_FUZZ_WINDOWS_H
#define FERRY_TESTS_FUZZ_WINDOWS_H

#include "devices/pci/pci.h"
#include "vmm/base/bits.h"

#define ECAM          UINT64_C(0xe0000000)
#define WINDOW32      UINT64_C(0xc0000000)
#define WINDOW64      UINT64_C(0x800000000)
#define WINDOW32_SIZE (256 * MIB)
#define WINDOW64_SIZE (4 * GIB)

/* With @io_size ports behind the first 4096. */
static inline struct pci_host_config windows_of_host(struct mem_map *mmio, struct mem_map *pio,
						     uint64_t io_size)
{
	return (struct pci_host_config){
		.mmio = mmio,
		.pio = pio,
		.ecam_base = ECAM,
		.buses = 4,
		.config_ports = true,
		.mmio32_base = WINDOW32,
		.mmio32_size = WINDOW32_SIZE,
		.mmio64_base = WINDOW64,
		.mmio64_size = WINDOW64_SIZE,
		.io_base = 0x1000,
		.io_size = io_size,
		.intx_gsi = 16,
		.intx_count = 8,
	};
}

static inline bool windows_hold(uint64_t base, uint64_t size)
{
	return (base >= WINDOW32 && range_fits(base - WINDOW32, size, WINDOW32_SIZE)) ||
	       (base >= WINDOW64 && range_fits(base - WINDOW64, size, WINDOW64_SIZE));
}

#endif
