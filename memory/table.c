/* SPDX-License-Identifier: BSD-3-Clause */
/* Disjoint regions sorted by address: the array behind a map. */

#include "memory/table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How many entries start at or below @address. */
static size_t table_entries_up_to(const struct mem_table *table, uint64_t address)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->entries[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int mem_table_reserve(struct mem_table *table, size_t capacity)
{
	struct mem_entry *entries;

	if (capacity <= table->capacity)
		return 0;
	if (capacity < 2 * table->capacity)
		capacity = 2 * table->capacity;
	entries = reallocarray(table->entries, capacity, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	table->entries = entries;
	table->capacity = capacity;
	return 0;
}

void mem_table_release(struct mem_table *table)
{
	free(table->entries);
	*table = (struct mem_table){0};
}

void mem_table_copy(struct mem_table *table, const struct mem_table *from)
{
	assert(from->count <= table->capacity);
	if (from->count > 0)
		memcpy(table->entries, from->entries, from->count * sizeof(*from->entries));
	table->count = from->count;
}

struct mem_entry *mem_table_find(const struct mem_table *table, uint64_t address)
{
	size_t index = table_entries_up_to(table, address);
	struct mem_entry *entry;

	if (index == 0)
		return NULL;
	entry = &table->entries[index - 1];
	return address - entry->base < entry->region->size ? entry : NULL;
}

struct mem_entry *mem_table_overlap(const struct mem_table *table, uint64_t base, uint64_t size)
{
	size_t index = table_entries_up_to(table, base + (size - 1));
	struct mem_entry *entry;

	if (index == 0)
		return NULL;
	entry = &table->entries[index - 1];
	return entry->base + (entry->region->size - 1) >= base ? entry : NULL;
}

void mem_table_insert(struct mem_table *table, struct mem_region *region, uint64_t base)
{
	size_t index = table_entries_up_to(table, base);
	struct mem_entry *entry = &table->entries[index];

	assert(table->count < table->capacity);
	memmove(entry + 1, entry, (table->count - index) * sizeof(*entry));
	*entry = (struct mem_entry){.region = region, .base = base};
	table->count++;
}

void mem_table_remove(struct mem_table *table, uint64_t base)
{
	size_t index = table_entries_up_to(table, base);
	struct mem_entry *entry;

	if (index == 0 || table->entries[index - 1].base != base)
		return;
	entry = &table->entries[index - 1];
	memmove(entry, entry + 1, (table->count - index) * sizeof(*entry));
	table->count--;
}
