/* SPDX-License-Identifier: BSD-3-Clause */
/* The host bridge that devices handed over are put on. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_VFIO_HOST_H
#define FERRY_TESTS_UNIT_SUPPORT_VFIO_HOST_H

#include <check.h>

#include "devices/pci/pci.h"
#include "vmm/base/bits.h"

#define WINDOW32 UINT64_C(0xc0000000)
#define WINDOW64 UINT64_C(0x800000000)

static inline struct pci_host_config vfio_host_config(struct mem_map *mmio, struct mem_map *pio)
{
	return (struct pci_host_config){
		.mmio = mmio,
		.pio = pio,
		.ecam_base = 0xe0000000,
		.buses = 4,
		.mmio32_base = WINDOW32,
		.mmio32_size = 256 * MIB,
		.mmio64_base = WINDOW64,
		.mmio64_size = 4 * GIB,
		.io_base = 0x1000,
		.io_size = 0x4000,
		.intx_gsi = 16,
		.intx_count = 8,
	};
}

static inline struct pci_host *vfio_host_create(struct mem_map *mmio, struct mem_map *pio)
{
	const struct pci_host_config config = vfio_host_config(mmio, pio);
	struct err err = {0};
	struct pci_host *host = pci_host_create(&config, &err);

	ck_assert_msg(host, "%s", err.text);
	return host;
}

#endif
