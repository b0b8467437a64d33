/* SPDX-License-Identifier: BSD-3-Clause */
/* The nodes that every machine with a device tree has. */

#ifndef FERRY_ARCH_FDT_NODES_H
#define FERRY_ARCH_FDT_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/fdt/tree.h"
#include "arch/platform.h"

enum { DT_RNG_SEED_SIZE = 32 };

/* What a boot adds to the description of the machine. */
struct dt_boot {
	const char *cmdline; /* NULL: none */
	uint64_t initrd_base;
	uint64_t initrd_size; /* 0: none */
	bool seeded;          /* the seeds below are random */
	uint64_t kaslr_seed;
	uint8_t rng_seed[DT_RNG_SEED_SIZE];
};

/* The root, which stays open: of a machine @compatible whose interrupts go to @interrupt_parent. */
void dt_begin_root(struct dt *dt, const char *compatible, uint32_t interrupt_parent);

/*
 * "chosen". With a serial port (@platform says) at @serial_base, Linux's @console, that is its
 * stdout, and is named on the command line where there is no other.
 */
void dt_add_chosen(struct dt *dt, const struct platform *platform, const struct dt_boot *boot,
		   const char *console, uint64_t serial_base);

/* A node for each piece of RAM. */
void dt_add_memory(struct dt *dt, const struct platform *platform);

void dt_add_pvpanic(struct dt *dt, uint64_t base);

#endif
