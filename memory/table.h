/* SPDX-License-Identifier: BSD-3-Clause */
/* Disjoint regions sorted by address: the array behind a map. */

#ifndef FERRY_MEMORY_TABLE_H
#define FERRY_MEMORY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "memory/region.h"
#include "vmm/base/err.h"

/* One region in its place. @told has a bit for each listener that accepted it. */
struct mem_entry {
	struct mem_region *region;
	uint64_t base;
	uint32_t told;
};

/* Zero-initialised it is empty. No locks: the map's. */
struct mem_table {
	struct mem_entry *entries;
	size_t count;
	size_t capacity;
};

/* Makes room for @capacity entries in all; 0 or -ENOMEM. */
int mem_table_reserve(struct mem_table *table, size_t capacity) FERRY_MUST_CHECK;
void mem_table_release(struct mem_table *table);

/* Makes @table a copy of @from; the room is there. */
void mem_table_copy(struct mem_table *table, const struct mem_table *from);

/* The entry that holds @address, or NULL. */
struct mem_entry *mem_table_find(const struct mem_table *table, uint64_t address);

/* The entry with the highest address of those that share a byte with [@base, @base + @size), or
 * NULL. @size is not 0 and the range does not wrap. */
struct mem_entry *mem_table_overlap(const struct mem_table *table, uint64_t base, uint64_t size);

/* Puts @region at @base, told to nobody; the room is there and nothing overlaps. */
void mem_table_insert(struct mem_table *table, struct mem_region *region, uint64_t base);

/* Takes away the entry that starts at @base, if there is one. */
void mem_table_remove(struct mem_table *table, uint64_t base);

#endif
