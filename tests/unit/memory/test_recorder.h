/* SPDX-License-Identifier: BSD-3-Clause */
/* A map with regions to put into it, and two listeners that write down what they are told. */

#ifndef FERRY_TESTS_UNIT_MEMORY_TEST_RECORDER_H
#define FERRY_TESTS_UNIT_MEMORY_TEST_RECORDER_H

#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "memory/map_private.h"
#include "vmm/base/bits.h"

enum { PAGE = 0x1000 };

static char story[4096];

static void tell(const char *format, ...) FERRY_PRINTF(1, 2);

static inline void tell(const char *format, ...)
{
	size_t used = strlen(story);
	va_list args;

	va_start(args, format);
	vsnprintf(story + used, sizeof(story) - used, format, args);
	va_end(args);
}

/* Writes down what it is told; refuses what it is asked to refuse. */
struct recorder {
	struct mem_listener listener;
	const char *refuses; /* the name of a region */
	unsigned int skip;   /* how many of its additions are accepted before */
};

static inline int record_add(struct mem_listener *listener, struct mem_region *region,
			     struct err *err)
{
	struct recorder *recorder = container_of(listener, struct recorder, listener);

	if (recorder->refuses && strcmp(recorder->refuses, region->name) == 0) {
		if (recorder->skip == 0) {
			tell("%s!%s ", listener->name, region->name);
			return err_set(err, -ENOSPC, "no room for %s", region->name);
		}
		recorder->skip--;
	}
	tell("%s+%s@%lx ", listener->name, region->name, (unsigned long)region->base);
	return 0;
}

static inline void record_del(struct mem_listener *listener, struct mem_region *region)
{
	tell("%s-%s@%lx ", listener->name, region->name, (unsigned long)region->base);
}

static inline struct recorder recorder_named(const char *name)
{
	return (struct recorder){
		.listener =
			{
				.name = name,
				.add = record_add,
				.del = record_del,
			},
	};
}

static inline enum mem_result nothing_read(void *owner, uint64_t offset, unsigned int size,
					   uint64_t *value)
{
	(void)owner, (void)offset, (void)size, (void)value;
	return MEM_DONE;
}

static inline enum mem_result nothing_written(void *owner, uint64_t offset, unsigned int size,
					      uint64_t value)
{
	(void)owner, (void)offset, (void)size, (void)value;
	return MEM_DONE;
}

static const struct mem_ops nothing = {nothing_read, nothing_written};

static inline struct mem_region device(const char *name, uint64_t size)
{
	return (struct mem_region){.name = name, .kind = MEM_DEVICE, .size = size, .ops = &nothing};
}

static inline struct mem_change add(struct mem_region *region, uint64_t base)
{
	return (struct mem_change){.region = region, .base = base, .add = true};
}

static inline struct mem_change del(struct mem_region *region)
{
	return (struct mem_change){.region = region};
}

static struct mem_map *map;
/* Not on the stack: the map is destroyed after the test has returned. */
static struct mem_region a, b, c, d, ram, trap, empty, probe;
static struct recorder first, second;
static struct err err;

static inline void set_up(void)
{
	err = (struct err){0};
	map = mem_map_create("test", 1 << 20, &err);
	a = device("a", PAGE);
	b = device("b", PAGE);
	c = device("c", 2 * PAGE);
	d = device("d", PAGE);
	probe = device("probe", 1);
	empty = device("empty", 0);
	trap = (struct mem_region){.name = "trap", .kind = MEM_TRAP, .size = PAGE, .ops = &nothing};
	ram = (struct mem_region){.name = "ram", .kind = MEM_RAM, .size = PAGE};
	first = recorder_named("1");
	second = recorder_named("2");
	ck_assert_int_eq(mem_map_listen(map, &first.listener, &err), 0);
	ck_assert_int_eq(mem_map_listen(map, &second.listener, &err), 0);
	story[0] = '\0';
}

static inline void tear_down(void)
{
	mem_map_destroy(map);
}

static inline void expect_story(const char *expected)
{
	ck_assert_str_eq(story, expected);
	story[0] = '\0';
}

static inline void put(struct mem_region *region, uint64_t base)
{
	ck_assert_int_eq(mem_map_add(map, region, base, &err), 0);
	story[0] = '\0';
}

static inline void expect_map(const char *expected)
{
	char saved[sizeof(story)];

	memcpy(saved, story, sizeof(story));
	story[0] = '\0';
	for (size_t i = 0; i < map->table.count; i++) {
		const struct mem_entry *entry = &map->table.entries[i];

		ck_assert_uint_eq(entry->base, entry->region->base);
		tell("%s@%lx ", entry->region->name, (unsigned long)entry->base);
	}
	ck_assert_str_eq(story, expected);
	memcpy(story, saved, sizeof(story));
}

#endif
