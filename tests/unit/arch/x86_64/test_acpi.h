/* SPDX-License-Identifier: BSD-3-Clause */
/* A platform for its tables, and the tables in memory. */

#ifndef FERRY_TESTS_UNIT_ARCH_X86_64_TEST_ACPI_H
#define FERRY_TESTS_UNIT_ARCH_X86_64_TEST_ACPI_H

#include <check.h>
#include <stdbool.h>

#include "arch/platform.h"
#include "arch/x86_64/platform_x86.h"
#include "vmm/base/bits.h"

static inline struct platform make_platform(unsigned int cpus, bool mmio64, bool serial)
{
	struct platform platform = {
		.cpus = cpus,
		.ram = {{0, 256 * MIB}},
		.ram_count = 1,
		.ecam = {X86_HOLE_BASE, X86_ECAM_SIZE},
		.mmio32 = {X86_HOLE_BASE + X86_ECAM_SIZE,
			   X86_MMIO32_END - X86_HOLE_BASE - X86_ECAM_SIZE},
		.io = {X86_PORT_PCI_BASE, X86_PORT_PCI_END - X86_PORT_PCI_BASE},
		.intx_gsi = X86_GSI_INTX,
		.intx_count = X86_GSI_INTX_COUNT,
		.serial = serial,
	};

	if (mmio64)
		platform.mmio64 = (struct ram_range){UINT64_C(1) << 38, UINT64_C(1) << 38};
	return platform;
}

#endif
