/* SPDX-License-Identifier: BSD-3-Clause */
/* The map of physical memory that boot protocols hand to the guest (E820 and its likes). */

#ifndef FERRY_ARCH_X86_64_MEMORY_MAP_H
#define FERRY_ARCH_X86_64_MEMORY_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "arch/platform.h"

/* The numbers of E820, PVH and Multiboot alike. */
enum memory_type { MEMORY_RAM = 1, MEMORY_RESERVED = 2 };

struct memory_entry {
	uint64_t base;
	uint64_t size;
	enum memory_type type;
};

enum { MEMORY_ENTRIES_MAX = 2 * RAM_PIECES_MAX + 4 };

struct memory_map {
	size_t count;
	struct memory_entry entries[MEMORY_ENTRIES_MAX]; /* ascending, disjoint */
};

/*
 * RAM, with the legacy hole, ECAM, KVM's hidden pages and what lies between RAM's pieces reserved.
 */
void memory_map_fill(struct memory_map *map, const struct platform *platform);

#endif
