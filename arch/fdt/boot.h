/* SPDX-License-Identifier: BSD-3-Clause */
/* The device tree's part in a boot: its place in RAM, seeds, the command line that it carries. */

#ifndef FERRY_ARCH_FDT_BOOT_H
#define FERRY_ARCH_FDT_BOOT_H

#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "arch/fdt/nodes.h"
#include "arch/loader/load.h"
#include "memory/ram.h"
#include "vmm/base/err.h"

/* 0, or -E2BIG with @err set: the kernel takes a command line of @most characters. */
int dt_check_cmdline(const struct boot_source *source, size_t most,
		     struct err *err) FERRY_MUST_CHECK;

/*
 * Claims the tree's @place of @kernel's boot: right behind the kernel, which ends at @end, where
 * that is free, for kernels before 4.2 look for it in the 512 MiB from their start, and one lying
 * between leaves the initrds the most room. -ENOSPC with @err set.
 */
int dt_place(struct loader *loader, const struct boot_file *kernel, uint64_t end,
	     struct ram_range *place, struct err *err) FERRY_MUST_CHECK;

/* Random seeds; without any a guest gathers its own randomness, only later. */
void dt_seed(struct dt_boot *boot);

/* The place as host memory, cleared; NULL with @err set. */
void *dt_room(struct loader *loader, const struct ram_range *place, struct err *err);

#endif
