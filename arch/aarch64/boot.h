/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loading an arm64 Linux kernel, its initrds and the device tree
 * (Documentation/arch/arm64/booting.rst).
 */

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
	uint64_t size;  /* bytes of memory that the kernel needs from there on */
	uint64_t fdt;   /* guest address of the device tree, for x0 */
};

/*
 * Does all of arch_boot() but for the vCPU: kernel, initrds, device tree, @boot->entry, size and
 * fdt. @boot has loader.ram, loader.fresh, platform, source and pmu. A negative errno with @err
 * set.
 */
int boot_load(struct boot *boot, struct err *err) FERRY_MUST_CHECK;

/*
 * Reads the Image of the same kernel again, decompressed and as it was before it ran, to where the
 * only piece of @ram begins; *@size is how many bytes the file has of it. A negative errno with
 * @err set.
 */
int boot_read_image(const struct boot_source *source, struct ram *ram, uint64_t *size,
		    struct err *err) FERRY_MUST_CHECK;

#endif
