/* SPDX-License-Identifier: BSD-3-Clause */
/* The device tree that describes the platform to the guest. */

#ifndef FERRY_ARCH_AARCH64_TREE_H
#define FERRY_ARCH_AARCH64_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "arch/fdt/nodes.h"
#include "arch/platform.h"
#include "vmm/base/err.h"

struct tree_config {
	const struct platform *platform;
	bool pmu; /* vCPUs have a performance monitor */
	struct dt_boot boot;
};

/*
 * Builds the tree in @blob, @size bytes, at most DT_SIZE_MAX of which are used. A pure function.
 * The bytes used, or -ENOSPC with @err saying what did not fit.
 */
int tree_build(const struct tree_config *config, void *blob, size_t size,
	       struct err *err) FERRY_MUST_CHECK;

#endif
