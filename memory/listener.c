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

static bool entry_is_demotable(const struct mem_entry *entry)
{
	return entry->region->kind == MEM_DEVICE && entry->told != 0;
}

static void entry_demote(struct mem_map *map, struct mem_entry *entry)
{
	for (size_t i = map->listener_count; i-- > 0;)
		mem_listener_del(map->listeners[i], entry);
	log_guest(&map->limit, LOG_WARN,
		  "memory map %s: %s at 0x%" PRIx64 " could not be reached directly: it is trapped",
		  map->name, entry->region->name, entry->base);
}

unsigned int mem_map_demote(struct mem_map *map, uint64_t address)
{
	struct mem_entry *entry;
	struct err err = {0};
	unsigned int count = 0;

	mem_map_lock(map);
	entry = mem_table_find(&map->table, address);
	if (entry && entry_is_demotable(entry))
		count = 1;
	else
		for (size_t i = 0; i < map->table.count; i++)
			count += entry_is_demotable(&map->table.entries[i]);
	if (count == 0)
		goto out;
	mem_listeners_begin(map);
	if (entry && entry_is_demotable(entry))
		entry_demote(map, entry);
	else
		for (size_t i = 0; i < map->table.count; i++)
			if (entry_is_demotable(&map->table.entries[i]))
				entry_demote(map, &map->table.entries[i]);
	if (mem_listeners_commit(map, &err) < 0)
		log_error("%s", err.text);
out:
	mem_map_unlock(map);
	return count;
}
