/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory map itself, for the sources that look into it. */

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

#endif
