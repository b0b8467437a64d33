/* SPDX-License-Identifier: BSD-3-Clause */
/* The listeners of a map: registration with replay, telling them of a change, demotion. */

#include <errno.h>
#include <inttypes.h>

#include "memory/map_private.h"

bool mem_region_is_told(const struct mem_region *region)
{
	return region->kind != MEM_TRAP;
}

static void listener_begin(struct mem_listener *listener)
{
	if (listener->begin)
		listener->begin(listener);
}

static int listener_commit(struct mem_map *map, struct mem_listener *listener, struct err *err)
{
	int rc = listener->commit ? listener->commit(listener) : 0;

	if (rc < 0)
		return err_set(err, rc, "memory map %s: a change could not be committed to %s: %s",
			       map->name, listener->name, err_text(rc));
	return 0;
}

void mem_listeners_begin(struct mem_map *map)
{
	for (size_t i = 0; i < map->listener_count; i++)
		listener_begin(map->listeners[i]);
}

int mem_listeners_commit(struct mem_map *map, struct err *err)
{
	int first = 0;

	for (size_t i = 0; i < map->listener_count; i++) {
		int rc = listener_commit(map, map->listeners[i], first ? NULL : err);

		if (!first)
			first = rc;
	}
	return first;
}

int mem_listener_add(struct mem_listener *listener, struct mem_entry *entry, struct err *err)
{
	int rc = listener->add(listener, entry->region, err);

	if (rc < 0)
		return rc;
	entry->told |= (uint32_t)1 << listener->bit;
	return 0;
}

void mem_listener_del(struct mem_listener *listener, struct mem_entry *entry)
{
	uint32_t bit = (uint32_t)1 << listener->bit;

	if (!(entry->told & bit))
		return;
	listener->del(listener, entry->region);
	entry->told &= ~bit;
}

/* Gives the listener a bit that no other has. */
static void listener_number(struct mem_map *map, struct mem_listener *listener)
{
	uint32_t used = 0;

	for (size_t i = 0; i < map->listener_count; i++)
		used |= (uint32_t)1 << map->listeners[i]->bit;
	listener->bit = (unsigned int)__builtin_ctz(~used);
}

static void listener_take_all(struct mem_map *map, struct mem_listener *listener)
{
	for (size_t i = map->table.count; i-- > 0;)
		mem_listener_del(listener, &map->table.entries[i]);
}

/* One pass of all that is mapped; on failure one more that takes it back. */
static int listener_replay(struct mem_map *map, struct mem_listener *listener, struct err *err)
{
	int rc = 0;

	listener_begin(listener);
	for (size_t i = 0; i < map->table.count && rc == 0; i++)
		if (mem_region_is_told(map->table.entries[i].region))
			rc = mem_listener_add(listener, &map->table.entries[i], err);
	if (rc == 0) {
		rc = listener_commit(map, listener, err);
		if (rc == 0)
			return 0;
		listener_begin(listener);
	}
	listener_take_all(map, listener);
	listener_commit(map, listener, NULL);
	return rc;
}

int mem_map_listen(struct mem_map *map, struct mem_listener *listener, struct err *err)
{
	int rc;

	mem_map_lock(map);
	if (map->listener_count == MEM_LISTENERS_MAX) {
		rc = err_set(err, -ENOSPC, "memory map %s: listener %s: there are %d already",
			     map->name, listener->name, MEM_LISTENERS_MAX);
	} else {
		listener_number(map, listener);
		rc = listener_replay(map, listener, err);
		if (rc == 0)
			map->listeners[map->listener_count++] = listener;
	}
	mem_map_unlock(map);
	return rc;
}

void mem_map_unlisten(struct mem_map *map, struct mem_listener *listener)
{
	struct err err = {0};
	size_t index = 0;

	mem_map_lock(map);
	while (index < map->listener_count && map->listeners[index] != listener)
		index++;
	if (index < map->listener_count) {
		listener_begin(listener);
		listener_take_all(map, listener);
		if (listener_commit(map, listener, &err) < 0)
			log_error("%s", err.text);
		map->listener_count--;
		for (; index < map->listener_count; index++)
			map->listeners[index] = map->listeners[index + 1];
	}
	mem_map_unlock(map);
}

static bool listener_entry_is_demotable(const struct mem_entry *entry)
{
	return entry->region->kind == MEM_DEVICE && entry->told != 0;
}

static void listener_entry_demote(struct mem_map *map, struct mem_entry *entry)
{
	for (size_t i = map->listener_count; i-- > 0;)
		mem_listener_del(map->listeners[i], entry);
	log_guest(&map->limit, LOG_WARN,
		  "memory map %s: %s at 0x%" PRIx64 " could not be reached directly: it is trapped",
		  map->name, entry->region->name, entry->base);
}

/* Those that share a byte with [@first, @last]. */
static unsigned int listener_map_demote(struct mem_map *map, uint64_t first, uint64_t last)
{
	struct err err = {0};
	unsigned int count = 0;

	for (size_t i = 0; i < map->table.count; i++) {
		struct mem_entry *entry = &map->table.entries[i];

		if (!listener_entry_is_demotable(entry) || entry->base > last ||
		    entry->base + (entry->region->size - 1) < first)
			continue;
		if (count++ == 0)
			mem_listeners_begin(map);
		listener_entry_demote(map, entry);
	}
	if (count && mem_listeners_commit(map, &err) < 0)
		log_error("%s", err.text);
	return count;
}

unsigned int mem_map_demote_range(struct mem_map *map, uint64_t first, uint64_t last)
{
	unsigned int count;

	mem_map_lock(map);
	count = listener_map_demote(map, first, last);
	mem_map_unlock(map);
	return count;
}

unsigned int mem_map_demote(struct mem_map *map, uint64_t address)
{
	unsigned int count;

	mem_map_lock(map);
	count = listener_map_demote(map, address, address);
	if (count == 0)
		count = listener_map_demote(map, 0, UINT64_MAX);
	mem_map_unlock(map);
	return count;
}

/* The first demotable region at or above @address; its place, which may change meanwhile. */
static struct mem_region *listener_map_next_demotable(struct mem_map *map, uint64_t *address)
{
	struct mem_region *region = NULL;

	pthread_rwlock_rdlock(&map->lock);
	for (size_t i = 0; i < map->table.count && !region; i++) {
		const struct mem_entry *entry = &map->table.entries[i];

		if (entry->base < *address || !listener_entry_is_demotable(entry))
			continue;
		region = entry->region;
		*address = entry->base;
	}
	pthread_rwlock_unlock(&map->lock);
	return region;
}

static bool listener_region_is_backed(const struct mem_region *region)
{
	bool backed;

	if (!region->backed)
		return false;
	if (region->lock)
		pthread_mutex_lock(region->lock);
	backed = region->backed(region->owner);
	if (region->lock)
		pthread_mutex_unlock(region->lock);
	return backed;
}

unsigned int mem_map_demote_unbacked(struct mem_map *map)
{
	struct mem_region *region;
	unsigned int count = 0;

	/* A handler's lock comes before the map's, so that each is asked with none of them held. */
	for (uint64_t at = 0; (region = listener_map_next_demotable(map, &at)); at++)
		if (!listener_region_is_backed(region))
			count += mem_map_demote_range(map, at, at);
	return count;
}
