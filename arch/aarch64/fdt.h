/* SPDX-License-Identifier: BSD-3-Clause */
/* The device tree that describes the platform to the guest. */

#ifndef FERRY_ARCH_AARCH64_FDT_H
#define FERRY_ARCH_AARCH64_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/platform.h"
#include "vmm/base/err.h"

/* The most a kernel takes (Documentation/arm64/booting.rst). */
enum { FDT_SIZE_MAX = 2 << 20, FDT_RNG_SEED_SIZE = 32 };

struct fdt_config {
	const struct platform *platform;
	bool pmu;            /* vCPUs have a performance monitor */
	const char *cmdline; /* NULL: none */
	uint64_t initrd_base;
	uint64_t initrd_size; /* 0: none */
	bool seeded;          /* the seeds below are random */
	uint64_t kaslr_seed;
	uint8_t rng_seed[FDT_RNG_SEED_SIZE];
};

/*
 * Builds the tree in @blob, @size bytes, at most FDT_SIZE_MAX of which are used. A pure function.
 * The bytes used, or -ENOSPC with @err saying what did not fit.
 */
int fdt_build(const struct fdt_config *config, void *blob, size_t size,
	      struct err *err) FERRY_MUST_CHECK;

#endif
