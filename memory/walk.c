/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking at a map: its regions in order, the one at an address, one that is known. */

#include "memory/map_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/page.h"

/* Where the guest reaches @entry directly. Map lock held. */
static int walk_slot(const struct mem_map *map, const struct mem_entry *entry)
{
	for (size_t i = 0; i < map->listener_count; i++) {
		const struct mem_listener *listener = map->listeners[i];

		if (listener->slot && entry->told & (uint32_t)1 << listener->bit)
			return listener->slot(listener, entry->region);
	}
	return -1;
}

/* Map lock held. */
static struct mem_view walk_view_of(const struct mem_map *map, const struct mem_entry *entry)
{
	const struct mem_region *region = entry->region;
	uint64_t base = entry->base;

	return (struct mem_view){
		.name = region->name,
		.kind = region->kind,
		.base = base,
		.size = region->size,
		.slot = walk_slot(map, entry),
		.whole_pages =
			is_aligned((uintptr_t)region->host | base | region->size, host_page_size()),
		.latch = region->latch,
		.accesses = __atomic_load_n(&region->accesses, __ATOMIC_RELAXED),
	};
}

void mem_map_walk(struct mem_map *map, mem_visit visit, void *owner)
{
	pthread_rwlock_rdlock(&map->lock);
	for (size_t i = 0; i < map->table.count; i++) {
		struct mem_view view = walk_view_of(map, &map->table.entries[i]);

		visit(owner, &view);
	}
	pthread_rwlock_unlock(&map->lock);
}

bool mem_map_find(struct mem_map *map, uint64_t address, struct mem_view *view)
{
	const struct mem_entry *entry;

	pthread_rwlock_rdlock(&map->lock);
	entry = mem_table_find(&map->table, address);
	if (entry)
		*view = walk_view_of(map, entry);
	pthread_rwlock_unlock(&map->lock);
	return entry;
}

void mem_region_view(const struct mem_region *region, struct mem_view *view)
{
	struct mem_map *map = region->map;

	pthread_rwlock_rdlock(&map->lock);
	*view = walk_view_of(map, mem_table_find(&map->table, region->base));
	pthread_rwlock_unlock(&map->lock);
}
