/* SPDX-License-Identifier: BSD-3-Clause */
/* Accesses of the guest on a memory map, also while regions come and go. */

#include <check.h>
#include <pthread.h>
#include <string.h>

#include "memory/map.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

enum { PAGE = 0x1000 };

/* A device that keeps its last access and answers as it is told to. */
struct probe {
	struct mem_region region;
	uint64_t offset, value, answer;
	unsigned int size, calls;
	enum mem_result result;
};

static enum mem_result probe_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	struct probe *probe = owner;

	probe->offset = offset;
	probe->size = size;
	probe->calls++;
	if (probe->answer != 0)
		*value = probe->answer;
	return probe->result;
}

static enum mem_result probe_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	struct probe *probe = owner;

	probe->offset = offset;
	probe->size = size;
	probe->value = value;
	probe->calls++;
	return probe->result;
}

static const struct mem_ops probe_ops = {probe_read, probe_write};

static struct probe probe_of(const char *name, uint64_t size)
{
	return (struct probe){
		.region = {.name = name, .kind = MEM_TRAP, .size = size, .ops = &probe_ops}};
}

static struct mem_map *map;
static struct err err;

static void set_up(void)
{
	map = mem_map_create("test", 0, &err);
}

/* Called by each test, while the regions on its stack are alive. */
static void finish(void)
{
	mem_map_destroy(map);
}

static void put(struct mem_region *region, uint64_t base)
{
	ck_assert_int_eq(mem_map_add(map, region, base, &err), 0);
}

static uint64_t read_at(uint64_t address, unsigned int size)
{
	uint64_t value = 0x5555555555555555;

	ck_assert_int_eq(mem_map_read(map, address, size, &value), MEM_DONE);
	return value;
}

START_TEST(handlers_see_offsets_and_exact_values)
{
	struct probe probe = probe_of("probe", 0x100);

	probe.region.owner = &probe;
	put(&probe.region, 0xfee00000);
	probe.answer = 0x1122334455667788;
	ck_assert_uint_eq(read_at(0xfee00010, 8), 0x1122334455667788);
	ck_assert_uint_eq(read_at(0xfee00020, 2), 0x7788);
	ck_assert_uint_eq(probe.offset, 0x20);
	ck_assert_uint_eq(probe.size, 2);
	ck_assert_int_eq(mem_map_write(map, 0xfee000ff, 1, 0xabcd), MEM_DONE);
	ck_assert_uint_eq(probe.offset, 0xff);
	ck_assert_uint_eq(probe.value, 0xcd);
	probe.answer = 0;
	ck_assert_uint_eq(read_at(0xfee00000, 4), 0xffffffff);
	finish();
}
END_TEST

START_TEST(unclaimed_reads_all_ones)
{
	struct probe probe = probe_of("probe", 0x10);

	probe.region.owner = &probe;
	put(&probe.region, 0x1000);
	ck_assert_uint_eq(read_at(0xfff, 1), 0xff);
	ck_assert_uint_eq(read_at(0x1010, 4), 0xffffffff);
	ck_assert_uint_eq(read_at(UINT64_MAX, 8), UINT64_MAX);
	ck_assert_int_eq(mem_map_write(map, 0x1010, 4, 1), MEM_DONE);
	/* Across the end and across the start; and widths that no bus has. */
	ck_assert_uint_eq(read_at(0x100e, 4), 0xffffffff);
	ck_assert_uint_eq(read_at(0xffe, 4), 0xffffffff);
	ck_assert_int_eq(mem_map_write(map, 0x100e, 4, 1), MEM_DONE);
	ck_assert_uint_eq(read_at(0x1000, 3), 0xffffff);
	ck_assert_uint_eq(read_at(0x1000, 0), UINT64_MAX);
	ck_assert_uint_eq(read_at(0x1000, 16), UINT64_MAX);
	ck_assert_int_eq(mem_map_write(map, 0x1000, 5, 1), MEM_DONE);
	ck_assert_uint_eq(probe.calls, 0);
	ck_assert_uint_eq(read_at(0x100c, 4), 0xffffffff);
	ck_assert_uint_eq(probe.calls, 1);
	finish();
}
END_TEST

START_TEST(not_yet_passes_through_and_leaves_the_lock)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct probe probe = probe_of("probe", 0x10);
	uint64_t value;

	probe.region.owner = &probe;
	probe.region.lock = &lock;
	probe.result = MEM_NOT_YET;
	put(&probe.region, 0);
	ck_assert_int_eq(mem_map_read(map, 0, 4, &value), MEM_NOT_YET);
	ck_assert_int_eq(mem_map_write(map, 0, 4, 1), MEM_NOT_YET);
	probe.result = MEM_DONE;
	ck_assert_int_eq(mem_map_write(map, 0, 4, 1), MEM_DONE);
	ck_assert_int_eq(pthread_mutex_trylock(&lock), 0);
	finish();
}
END_TEST

START_TEST(memory_is_accessed_in_place)
{
	static uint8_t bytes[PAGE] __attribute__((aligned(8)));
	struct mem_region ram = {.name = "ram", .kind = MEM_RAM, .size = PAGE, .host = bytes};
	static const unsigned int sizes[] = {1, 2, 4, 8};

	put(&ram, 0x10000);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (unsigned int shift = 0; shift < 8; shift++) {
			unsigned int size = sizes[i];
			uint64_t value = 0x8877665544332211 & all_ones(size);

			memset(bytes, 0xee, sizeof(bytes));
			ck_assert_int_eq(mem_map_write(map, 0x10008 + shift, size,
						       0x8877665544332211),
					 MEM_DONE);
			ck_assert_uint_eq(load_le(bytes + 8 + shift, size), value);
			ck_assert_uint_eq(bytes[8 + shift - 1], 0xee);
			ck_assert_uint_eq(bytes[8 + shift + size], 0xee);
			ck_assert_uint_eq(read_at(0x10008 + shift, size), value);
		}
	}
	finish();
}
END_TEST

START_TEST(rom_is_read_and_its_writes_go_to_ops)
{
	static uint8_t bytes[PAGE] = {1, 2, 3, 4};
	struct probe probe = probe_of("rom", PAGE);

	probe.region.kind = MEM_ROM;
	probe.region.host = bytes;
	probe.region.owner = &probe;
	put(&probe.region, 0);
	ck_assert_uint_eq(read_at(0, 4), 0x04030201);
	ck_assert_uint_eq(probe.calls, 0);
	ck_assert_int_eq(mem_map_write(map, 1, 1, 9), MEM_DONE);
	ck_assert_uint_eq(probe.calls, 1);
	probe.region.ops = NULL;
	ck_assert_int_eq(mem_map_write(map, 1, 1, 9), MEM_DONE);
	ck_assert_uint_eq(read_at(0, 4), 0x04030201);
	finish();
}
END_TEST

START_TEST(a_device_is_never_touched_directly)
{
	struct probe probe = probe_of("device", PAGE);

	probe.region.kind = MEM_DEVICE;
	probe.region.host = (void *)PAGE; /* nothing is mapped there */
	probe.region.owner = &probe;
	probe.answer = 0x42;
	put(&probe.region, 0);
	ck_assert_uint_eq(read_at(8, 4), 0x42);
	ck_assert_int_eq(mem_map_write(map, 8, 4, 7), MEM_DONE);
	ck_assert_uint_eq(probe.value, 7);
	finish();
}
END_TEST

/* A register whose write moves its own region, as a write to a BAR does. */
static enum mem_result mover_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	struct probe *probe = owner;
	struct mem_change changes[] = {
		{.region = &probe->region},
		{.region = &probe->region, .base = value, .add = true},
	};

	probe->offset = offset;
	probe->size = size;
	probe->calls++;
	return mem_map_apply(map, changes, 2, MEM_BEST_EFFORT, NULL) == 0 ? MEM_DONE : MEM_NOT_YET;
}

static const struct mem_ops mover_ops = {probe_read, mover_write};

START_TEST(a_handler_may_change_the_map)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct probe probe = probe_of("mover", PAGE);

	probe.region.ops = &mover_ops;
	probe.region.owner = &probe;
	probe.region.lock = &lock;
	put(&probe.region, 0x1000);
	ck_assert_int_eq(mem_map_write(map, 0x1000, 4, 0x8000), MEM_DONE);
	ck_assert_int_eq(mem_map_write(map, 0x1000, 4, 0x9000), MEM_DONE);
	ck_assert_uint_eq(probe.calls, 1);
	ck_assert_uint_eq(probe.region.base, 0x8000);
	finish();
}
END_TEST

enum { ROUNDS = 3000, READERS = 3 };

struct race {
	struct probe mover, fixed;
	pthread_mutex_t locks[2];
	bool stop;
	unsigned int wrong;
};

static void *race_read(void *owner)
{
	struct race *race = owner;
	bool last;

	/* One round at least comes after the last move, and finds the mover. */
	do {
		uint64_t here = 0, there = 0, fixed = 0;

		last = __atomic_load_n(&race->stop, __ATOMIC_ACQUIRE);
		mem_map_read(map, 0x1000, 4, &here);
		mem_map_read(map, 0x5000, 4, &there);
		mem_map_read(map, 0x3000, 4, &fixed);
		if ((here != 0x42 && here != 0xffffffff) || fixed != 0x43 ||
		    (there != 0x42 && there != 0xffffffff))
			__atomic_fetch_add(&race->wrong, 1, __ATOMIC_RELAXED);
	} while (!last);
	return NULL;
}

static void *race_write(void *owner)
{
	struct race *race = owner;

	for (unsigned int i = 0; i < ROUNDS; i++)
		mem_map_write(map, i % 2 == 0 ? 0x1000 : 0x5000, 4, i % 2 == 0 ? 0x5000 : 0x1000);
	__atomic_store_n(&race->stop, true, __ATOMIC_RELEASE);
	return NULL;
}

START_TEST(readers_meet_a_writer)
{
	struct race race = {
		.mover = probe_of("mover", PAGE),
		.fixed = probe_of("fixed", PAGE),
		.locks = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER},
	};
	pthread_t writer, readers[READERS];

	race.mover.region.ops = &mover_ops;
	race.mover.region.owner = &race.mover;
	race.mover.region.lock = &race.locks[0];
	race.mover.answer = 0x42;
	race.fixed.region.owner = &race.fixed;
	race.fixed.region.lock = &race.locks[1];
	race.fixed.answer = 0x43;
	put(&race.mover.region, 0x1000);
	put(&race.fixed.region, 0x3000);
	for (size_t i = 0; i < READERS; i++)
		ck_assert_int_eq(pthread_create(&readers[i], NULL, race_read, &race), 0);
	ck_assert_int_eq(pthread_create(&writer, NULL, race_write, &race), 0);
	pthread_join(writer, NULL);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	ck_assert_uint_eq(race.wrong, 0);
	ck_assert_uint_eq(race.mover.region.base, 0x1000);
	ck_assert_uint_gt(race.mover.calls, ROUNDS);
	finish();
}
END_TEST

static void *race_demote(void *owner)
{
	struct race *race = owner;

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		struct probe other = probe_of("other", PAGE);

		mem_map_demote(map, 0x1000, 0x1000);
		if (mem_map_add(map, &other.region, 0x7000, NULL) == 0)
			mem_map_del(&other.region);
	}
	return NULL;
}

START_TEST(two_writers_take_turns)
{
	struct race race = {
		.mover = probe_of("mover", PAGE),
		.locks = {PTHREAD_MUTEX_INITIALIZER},
	};
	pthread_t writer, demoter;

	race.mover.region.ops = &mover_ops;
	race.mover.region.owner = &race.mover;
	race.mover.region.lock = &race.locks[0];
	put(&race.mover.region, 0x1000);
	ck_assert_int_eq(pthread_create(&demoter, NULL, race_demote, &race), 0);
	ck_assert_int_eq(pthread_create(&writer, NULL, race_write, &race), 0);
	pthread_join(writer, NULL);
	pthread_join(demoter, NULL);
	ck_assert_uint_eq(race.mover.calls, ROUNDS);
	ck_assert_uint_eq(race.mover.region.base, 0x1000);
	finish();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, handlers_see_offsets_and_exact_values);
	tcase_add_test(tests, unclaimed_reads_all_ones);
	tcase_add_test(tests, not_yet_passes_through_and_leaves_the_lock);
	tcase_add_test(tests, memory_is_accessed_in_place);
	tcase_add_test(tests, rom_is_read_and_its_writes_go_to_ops);
	tcase_add_test(tests, a_device_is_never_touched_directly);
	tcase_add_test(tests, a_handler_may_change_the_map);
	tcase_add_test(tests, readers_meet_a_writer);
	tcase_add_test(tests, two_writers_take_turns);
}

int main(void)
{
	return run_suite("dispatch", add_tests);
}
