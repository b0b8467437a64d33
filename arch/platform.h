/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine in neutral terms: what ACPI tables and device trees are built from. */

#ifndef FERRY_ARCH_PLATFORM_H
#define FERRY_ARCH_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/ram.h"

enum { PLATFORM_CPUS_MAX = 64 };

/* Filled by arch_layout(); constant afterwards. A size of 0 means that there is none. */
struct platform {
	unsigned int cpus;
	struct ram_range ram[RAM_PIECES_MAX]; /* ascending */
	size_t ram_count;
	struct ram_range ecam; /* 1 MiB a bus, from bus 0 */
	struct ram_range mmio32;
	struct ram_range mmio64;
	struct ram_range io;     /* port numbers given to PCI */
	unsigned int intx_gsi;   /* the first GSI of PCI's INTx */
	unsigned int intx_count; /* a power of two */
	bool serial;             /* a console port is there */
	bool debug_exit;
};

#endif
