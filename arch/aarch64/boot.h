/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading an arm64 Linux kernel, its initrds and the device tree (Documentation/arch/arm64/booting.rst). */

#ifndef FERRY_ARCH_AARCH64_BOOT_H
#define FERRY_ARCH_AARCH64_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/arch.h"
#include "arch/loader/load.h"

struct boot {
	struct loader loader;
	const struct platform *platform;
	const struct boot_source *source;
	bool pmu;       /* vCPUs have a performance monitor */
	uint64_t entry; /* guest address of the kernel's first byte */
	uint64_t fdt;   /* guest address of the device tree, for x0 */
};

/*
 * Does all of arch_boot() but for the vCPU: kernel, initrds, device tree, @boot->entry and @boot->fdt.
 * @boot has loader.ram, loader.fresh, platform, source and pmu. A negative errno with @err set.
 */
int boot_load(struct boot *boot, struct err *err) FERRY_MUST_CHECK;

#endif
