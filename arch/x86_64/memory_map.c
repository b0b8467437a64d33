/* SPDX-License-Identifier: BSD-3-Clause */
/* Turns the platform's RAM pieces and fixed areas into one ascending list. */

#include "arch/x86_64/memory_map.h"

#include "arch/x86_64/platform_x86.h"
#include "vmm/base/bits.h"

static void memory_map_add(struct memory_map *map, uint64_t base, uint64_t size,
			   enum memory_type type)
{
	map->entries[map->count++] = (struct memory_entry){base, size, type};
}

/*
 * What the layout left out before piece @index because the IOMMU cannot map it there, then the
 * piece.
 */
static void memory_map_add_piece(struct memory_map *map, const struct platform *platform,
				 size_t index)
{
	const struct ram_range *piece = &platform->ram[index], *before = piece - 1;
	uint64_t end = before->base + before->size;

	if (piece->base > platform->ecam.base && end < 4 * GIB)
		end = 4 * GIB;
	if (piece->base > end)
		memory_map_add(map, end, piece->base - end, MEMORY_RESERVED);
	memory_map_add(map, piece->base, piece->size, MEMORY_RAM);
}

void memory_map_fill(struct memory_map *map, const struct platform *platform)
{
	const struct ram_range *first = &platform->ram[0];
	size_t i = 1;

	map->count = 0;
	memory_map_add(map, 0, X86_LOW_RAM_END, MEMORY_RAM);
	memory_map_add(map, X86_LOW_RAM_END, X86_HIGH_RAM_BASE - X86_LOW_RAM_END, MEMORY_RESERVED);
	if (first->size > X86_HIGH_RAM_BASE)
		memory_map_add(map, X86_HIGH_RAM_BASE, first->size - X86_HIGH_RAM_BASE, MEMORY_RAM);
	for (; i < platform->ram_count && platform->ram[i].base < platform->ecam.base; i++)
		memory_map_add_piece(map, platform, i);
	memory_map_add(map, platform->ecam.base, platform->ecam.size, MEMORY_RESERVED);
	memory_map_add(map, X86_IDENTITY_BASE, X86_KVM_PAGES_SIZE, MEMORY_RESERVED);
	for (; i < platform->ram_count; i++)
		memory_map_add_piece(map, platform, i);
}
