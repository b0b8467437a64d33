/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory map: transactions planned on a spare table, then carried out with the listeners;
 * and taking mapped regions away from these.
 */

#include "memory/map.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "memory/map_private.h"
#include "vmm/base/bits.h"

/* What a transaction does to one region; a move is both `remove` and `insert`. */
struct step {
	struct mem_region *region;
	uint64_t old_base; /* valid when `was` */
	uint64_t base;     /* valid when `wanted` */
	bool was;          /* in the map before */
	bool wanted;       /* to be in it afterwards */
	bool remove;
	bool insert;
};

struct plan {
	struct mem_map *map;
	enum mem_policy policy;
	struct step *steps;
	size_t count;
	bool changed; /* any step removes or inserts */
};

struct mem_map *mem_map_create(const char *name, uint64_t size, struct err *err)
{
	struct mem_map *map = calloc(1, sizeof(*map));
	pthread_rwlockattr_t attributes;

	if (!map) {
		err_set(err, -ENOMEM, "memory map %s: out of memory", name);
		return NULL;
	}
	map->name = name;
	map->size = size;
	pthread_mutex_init(&map->changes, NULL);
	pthread_rwlockattr_init(&attributes);
	/* A change must not wait for ever on vCPUs that never stop reading. */
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&map->lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	return map;
}

void mem_map_destroy(struct mem_map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < map->table.count; i++)
		map->table.entries[i].region->map = NULL;
	mem_table_release(&map->spare);
	mem_table_release(&map->table);
	pthread_rwlock_destroy(&map->lock);
	pthread_mutex_destroy(&map->changes);
	free(map);
}

/* Both locks of a change, in order. */
static void map_lock(struct mem_map *map)
{
	pthread_mutex_lock(&map->changes);
	pthread_rwlock_wrlock(&map->lock);
}

static void map_unlock(struct mem_map *map)
{
	pthread_rwlock_unlock(&map->lock);
	pthread_mutex_unlock(&map->changes);
}

static bool map_concerns(const struct mem_listener *listener, const struct mem_region *region)
{
	if (region->kind != MEM_TRAP)
		return !listener->doorbells;
	return listener->doorbells && region->doorbell_count > 0;
}

/*
 * What concerns listeners is called with `lock` held for writing.
 *
 * Tells @listener of @entry and notes that it accepted it; its errno with @err set.
 */
static int map_listener_add(struct mem_listener *listener, struct mem_entry *entry, struct err *err)
{
	int rc = listener->add(listener, entry->region, err);

	if (rc)
		return rc;
	entry->told |= (uint32_t)1 << listener->bit;
	return 0;
}

/* Takes @entry away from @listener, if it had accepted it. */
static void map_listener_del(struct mem_listener *listener, struct mem_entry *entry)
{
	uint32_t bit = (uint32_t)1 << listener->bit;

	if (!(entry->told & bit))
		return;
	listener->del(listener, entry->region);
	entry->told &= ~bit;
}

/* Gives the listener a bit that no other has. */
static void map_listener_number(struct mem_map *map, struct mem_listener *listener)
{
	uint32_t used = 0;

	for (size_t i = 0; i < map->listener_count; i++)
		used |= (uint32_t)1 << map->listeners[i]->bit;
	listener->bit = (unsigned int)__builtin_ctz(~used);
}

static void map_listener_take_all(struct mem_map *map, struct mem_listener *listener)
{
	for (size_t i = map->table.count; i-- > 0;)
		map_listener_del(listener, &map->table.entries[i]);
}

static int map_listener_replay(struct mem_map *map, struct mem_listener *listener, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < map->table.count && !rc; i++)
		if (map_concerns(listener, map->table.entries[i].region))
			rc = map_listener_add(listener, &map->table.entries[i], err);
	if (rc)
		map_listener_take_all(map, listener);
	return rc;
}

int mem_map_listen(struct mem_map *map, struct mem_listener *listener, struct err *err)
{
	int rc;

	map_lock(map);
	if (map->listener_count == MEM_LISTENERS_MAX) {
		rc = err_set(err, -ENOSPC, "memory map %s: listener %s: there are %d already",
			     map->name, listener->name, MEM_LISTENERS_MAX);
	} else {
		map_listener_number(map, listener);
		rc = map_listener_replay(map, listener, err);
		if (!rc)
			map->listeners[map->listener_count++] = listener;
	}
	map_unlock(map);
	return rc;
}

void mem_map_unlisten(struct mem_map *map, struct mem_listener *listener)
{
	size_t index = 0;

	map_lock(map);
	while (index < map->listener_count && map->listeners[index] != listener)
		index++;
	if (index < map->listener_count) {
		map_listener_take_all(map, listener);
		map->listener_count--;
		for (; index < map->listener_count; index++)
			map->listeners[index] = map->listeners[index + 1];
	}
	map_unlock(map);
}

/* The step of @region, a new one at its first mention. */
static struct step *map_plan_step(struct plan *plan, struct mem_region *region)
{
	struct step *step;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].region == region)
			return &plan->steps[i];
	step = &plan->steps[plan->count++];
	*step = (struct step){
		.region = region,
		.old_base = region->base,
		.was = region->map == plan->map,
	};
	return step;
}

static int map_check_place(struct mem_map *map, const struct step *step, struct err *err)
{
	const struct mem_region *region = step->region;
	const struct mem_entry *other;
	uint64_t size = region->size;

	if (region->map && region->map != map)
		return err_set(err, -EBUSY, "memory map %s: %s: it is in the map %s already",
			       map->name, region->name, region->map->name);
	if (size == 0 || (map->size != 0 ? !range_fits(step->base, size, map->size)
					 : step->base > UINT64_MAX - (size - 1)))
		return err_set(err, -ERANGE,
			       "memory map %s: %s at 0x%" PRIx64 ", 0x%" PRIx64
			       " bytes: it does not fit in the address space",
			       map->name, region->name, step->base, size);
	other = mem_table_overlap(&map->spare, step->base, size);
	if (other)
		return err_set(err, -EBUSY,
			       "memory map %s: %s at 0x%" PRIx64 ", 0x%" PRIx64
			       " bytes: it overlaps %s at 0x%" PRIx64 ", 0x%" PRIx64 " bytes",
			       map->name, region->name, step->base, size, other->region->name,
			       other->base, other->region->size);
	return 0;
}

/* Places what is wanted in the spare table, by the order of its first mention. */
static int map_plan_insert(struct plan *plan, struct err *err)
{
	struct mem_map *map = plan->map;

	for (size_t i = 0; i < plan->count; i++) {
		struct step *step = &plan->steps[i];
		struct err why = {0};
		int rc;

		if (!step->insert)
			continue;
		rc = map_check_place(map, step, &why);
		if (!rc) {
			mem_table_insert(&map->spare, step->region, step->base);
		} else if (plan->policy == MEM_ALL_OR_NOTHING) {
			return err_set(err, rc, "%s", why.text);
		} else {
			log_guest(&map->limit, LOG_INFO, "%s: left out", why.text);
			step->insert = false;
		}
	}
	return 0;
}

/* Both tables grow together, so that a deletion never needs memory. */
static int map_make_room(struct mem_map *map, size_t capacity)
{
	int rc = mem_table_reserve(&map->spare, capacity);

	if (rc || map->table.capacity >= capacity)
		return rc;
	pthread_rwlock_wrlock(&map->lock);
	rc = mem_table_reserve(&map->table, capacity);
	pthread_rwlock_unlock(&map->lock);
	return rc;
}

/* Works out the table as it will be, in the spare one; nothing has changed yet. */
static int map_plan_make(struct plan *plan, const struct mem_change *changes, size_t count,
			 struct err *err)
{
	struct mem_map *map = plan->map;
	size_t wanted = 0;
	int rc;

	for (size_t i = 0; i < count; i++) {
		struct step *step = map_plan_step(plan, changes[i].region);

		if (!changes[i].add)
			continue;
		step->base = changes[i].base;
		step->wanted = true;
		wanted++;
	}
	if (wanted > 0 && map_make_room(map, map->table.count + wanted))
		return err_set(err, -ENOMEM, "memory map %s: out of memory", map->name);
	mem_table_copy(&map->spare, &map->table);
	for (size_t i = 0; i < plan->count; i++) {
		struct step *step = &plan->steps[i];
		bool stays = step->was && step->wanted && step->base == step->old_base;

		step->remove = step->was && !stays;
		step->insert = step->wanted && !stays;
		if (step->remove)
			mem_table_remove(&map->spare, step->old_base);
	}
	rc = map_plan_insert(plan, err);
	for (size_t i = 0; i < plan->count; i++)
		plan->changed |= plan->steps[i].remove || plan->steps[i].insert;
	return rc;
}

static void map_region_enter(struct mem_map *map, struct mem_region *region, uint64_t base)
{
	region->map = map;
	region->base = base;
}

static void map_swap_tables(struct mem_map *map)
{
	struct mem_table table = map->table;

	map->table = map->spare;
	map->spare = table;
}

/* Takes the removed regions from the listeners but keeps, in the table, who had accepted them. */
static void map_pass_delete(const struct plan *plan)
{
	struct mem_map *map = plan->map;

	for (size_t i = map->listener_count; i-- > 0;) {
		for (size_t j = plan->count; j-- > 0;) {
			const struct step *step = &plan->steps[j];
			struct mem_entry entry;

			if (!step->remove)
				continue;
			entry = *mem_table_find(&map->table, step->old_base);
			map_listener_del(map->listeners[i], &entry);
		}
	}
	for (size_t j = 0; j < plan->count; j++)
		if (plan->steps[j].remove)
			plan->steps[j].region->map = NULL;
}

static void map_log_refusal(struct mem_map *map, const struct mem_region *region,
			    const struct err *why)
{
	if (region->kind == MEM_DEVICE || region->kind == MEM_TRAP)
		log_guest(&map->limit, LOG_WARN, "%s: %s is left trapped", why->text, region->name);
	else
		log_error("%s", why->text);
}

static int map_pass_add(const struct plan *plan, struct err *err)
{
	struct mem_map *map = plan->map;

	for (size_t i = 0; i < map->listener_count; i++) {
		for (size_t j = 0; j < plan->count; j++) {
			const struct step *step = &plan->steps[j];
			struct err why = {0};
			int rc;

			if (!step->insert || !map_concerns(map->listeners[i], step->region))
				continue;
			rc = map_listener_add(map->listeners[i],
					      mem_table_find(&map->table, step->base), &why);
			if (!rc)
				continue;
			if (plan->policy == MEM_ALL_OR_NOTHING)
				return err_set(err, rc, "%s", why.text);
			map_log_refusal(map, step->region, &why);
		}
	}
	return 0;
}

/* Gives a region that was removed back to the listeners that had it. */
static void map_undo_delete(struct mem_map *map, const struct step *step,
			    struct mem_listener *listener)
{
	struct mem_entry *entry = mem_table_find(&map->table, step->old_base);
	uint32_t bit = (uint32_t)1 << listener->bit;
	struct err why = {0};

	if (!(entry->told & bit))
		return;
	entry->told &= ~bit;
	if (map_listener_add(listener, entry, &why))
		log_error("%s: %s was not restored", why.text, step->region->name);
}

static void map_pass_undo(const struct plan *plan)
{
	struct mem_map *map = plan->map;

	for (size_t i = map->listener_count; i-- > 0;)
		for (size_t j = plan->count; j-- > 0;)
			if (plan->steps[j].insert)
				map_listener_del(map->listeners[i],
						 mem_table_find(&map->table, plan->steps[j].base));
	map_swap_tables(map);
	for (size_t j = 0; j < plan->count; j++) {
		const struct step *step = &plan->steps[j];

		if (step->insert)
			step->region->map = NULL;
		if (step->remove)
			map_region_enter(map, step->region, step->old_base);
	}
	for (size_t i = 0; i < map->listener_count; i++)
		for (size_t j = 0; j < plan->count; j++)
			if (plan->steps[j].remove)
				map_undo_delete(map, &plan->steps[j], map->listeners[i]);
}

static int map_pass_run(const struct plan *plan, struct err *err)
{
	struct mem_map *map = plan->map;
	int rc;

	pthread_rwlock_wrlock(&map->lock);
	map_pass_delete(plan);
	map_swap_tables(map);
	for (size_t j = 0; j < plan->count; j++)
		if (plan->steps[j].insert)
			map_region_enter(map, plan->steps[j].region, plan->steps[j].base);
	rc = map_pass_add(plan, err);
	if (rc)
		map_pass_undo(plan);
	pthread_rwlock_unlock(&map->lock);
	return rc;
}

/* @steps has room for @count. Allocates nothing when no change is an addition. */
static int map_apply(struct mem_map *map, const struct mem_change *changes, size_t count,
		     struct step *steps, enum mem_policy policy, struct err *err)
{
	struct plan plan = {.map = map, .policy = policy, .steps = steps};
	int rc;

	pthread_mutex_lock(&map->changes);
	rc = map_plan_make(&plan, changes, count, err);
	if (!rc && plan.changed)
		rc = map_pass_run(&plan, err);
	pthread_mutex_unlock(&map->changes);
	return rc;
}

int mem_map_apply(struct mem_map *map, const struct mem_change *changes, size_t count,
		  enum mem_policy policy, struct err *err)
{
	struct step *steps;
	int rc;

	if (count == 0)
		return 0;
	steps = calloc(count, sizeof(*steps));
	if (!steps)
		return err_set(err, -ENOMEM, "memory map %s: out of memory", map->name);
	rc = map_apply(map, changes, count, steps, policy, err);
	free(steps);
	return rc;
}

int mem_map_add(struct mem_map *map, struct mem_region *region, uint64_t base, struct err *err)
{
	struct mem_change change = {.region = region, .base = base, .add = true};
	struct step step;

	return map_apply(map, &change, 1, &step, MEM_ALL_OR_NOTHING, err);
}

void mem_map_del(struct mem_region *region)
{
	struct mem_change change = {.region = region};
	struct mem_map *map = region->map;
	struct step step;
	int rc;

	if (!map)
		return;
	rc = map_apply(map, &change, 1, &step, MEM_BEST_EFFORT, NULL);
	assert(!rc);
	(void)rc;
}

static bool map_is_demotable(const struct mem_entry *entry)
{
	return entry->region->kind == MEM_DEVICE && entry->told != 0;
}

static void map_demote_entry(struct mem_map *map, struct mem_entry *entry)
{
	for (size_t i = map->listener_count; i-- > 0;)
		map_listener_del(map->listeners[i], entry);
	log_guest(&map->limit, LOG_WARN,
		  "memory map %s: %s at 0x%" PRIx64 " could not be reached directly: it is trapped",
		  map->name, entry->region->name, entry->base);
}

unsigned int mem_map_demote(struct mem_map *map, uint64_t first, uint64_t last)
{
	unsigned int count = 0;

	map_lock(map);
	for (size_t i = 0; i < map->table.count; i++) {
		struct mem_entry *entry = &map->table.entries[i];

		if (!map_is_demotable(entry) || entry->base > last ||
		    entry->base + (entry->region->size - 1) < first)
			continue;
		map_demote_entry(map, entry);
		count++;
	}
	map_unlock(map);
	return count;
}

/* The first demotable region at or above @address; its place, which may change meanwhile. */
static struct mem_region *map_next_demotable(struct mem_map *map, uint64_t *address)
{
	struct mem_region *region = NULL;

	pthread_rwlock_rdlock(&map->lock);
	for (size_t i = 0; i < map->table.count && !region; i++) {
		const struct mem_entry *entry = &map->table.entries[i];

		if (entry->base < *address || !map_is_demotable(entry))
			continue;
		region = entry->region;
		*address = entry->base;
	}
	pthread_rwlock_unlock(&map->lock);
	return region;
}

static bool map_is_backed(const struct mem_region *region)
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
	for (uint64_t at = 0; (region = map_next_demotable(map, &at)); at++)
		if (!map_is_backed(region))
			count += mem_map_demote(map, at, at);
	return count;
}
