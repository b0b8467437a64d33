/* SPDX-License-Identifier: BSD-3-Clause */
/* Initial RAM disks, joined as Linux takes them. */

#ifndef FERRY_ARCH_LOADER_INITRD_H
#define FERRY_ARCH_LOADER_INITRD_H

#include <stdint.h>

#include "arch/arch.h"
#include "arch/loader/load.h"
#include "vmm/base/err.h"

/* Bytes of all initrds together, each padded to four; absurd sizes give an absurd sum, no wrap. */
uint64_t initrd_size(const struct boot_source *source);

/*
 * Loads all initrds as one, each padded to four bytes, as high as it goes at a multiple of
 * @alignment (a power of two) with its last byte not above @last. @place gets its size without the
 * alignment's gap; a size of 0: there is none. -ENOSPC when it fits nowhere.
 */
int initrd_load(struct loader *loader, const struct boot_source *source, uint64_t alignment,
		uint64_t last, struct ram_range *place, struct err *err) FERRY_MUST_CHECK;

#endif
