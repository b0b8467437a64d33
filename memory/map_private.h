/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sources of the memory map share: the map itself and how its listeners are told. */

#ifndef FERRY_MEMORY_MAP_PRIVATE_H
#define FERRY_MEMORY_MAP_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/map.h"
#include "memory/table.h"
#include "vmm/base/log.h"

/*
 * `changes` serialises transactions and is taken first; `lock` is written only while one is carried
 * out, so planning one, or finding that it changes nothing, holds up no access of the guest.
 */
struct mem_map {
	const char *name;
	uint64_t size;
	pthread_mutex_t changes;
	pthread_rwlock_t lock;
	struct mem_table table; /* read under `lock`, changed under both */
	struct mem_table spare; /* under `changes`; as roomy as `table` */
	struct mem_listener *listeners[MEM_LISTENERS_MAX]; /* in order of registration */
	size_t listener_count;
	struct log_limit limit;
};

/* Both locks of a change, in order. */
void mem_map_lock(struct mem_map *map);
void mem_map_unlock(struct mem_map *map);

/* Whether listeners hear of such a region at all. */
bool mem_region_is_told(const struct mem_region *region);

/* The following are called with both locks held. */

void mem_listeners_begin(struct mem_map *map);

/* Every listener is called; the first failure with its sentence, or 0. */
int mem_listeners_commit(struct mem_map *map, struct err *err);

/* Tells @listener of @entry and notes that it accepted it; its errno with @err set. */
int mem_listener_add(struct mem_listener *listener, struct mem_entry *entry, struct err *err);

/* Takes @entry away from @listener, if it had accepted it. */
void mem_listener_del(struct mem_listener *listener, struct mem_entry *entry);

#endif
