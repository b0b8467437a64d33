/* SPDX-License-Identifier: BSD-3-Clause */
/* The map of memory that a kernel gets. */

#include <check.h>

#include "arch/x86_64/memory_map.h"
#include "arch/x86_64/platform_x86.h"
#include "tests/unit/arch/x86_64/test_layout.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

START_TEST(memory_map)
{
	struct memory_map map;
	uint64_t ram = 0, end = 0;
	bool ecam = false, hidden = false;

	request.ram_size = 5 * GIB;
	lay_out();
	memory_map_fill(&map, &platform);
	ck_assert_uint_le(map.count, MEMORY_ENTRIES_MAX);
	for (size_t i = 0; i < map.count; i++) {
		const struct memory_entry *entry = &map.entries[i];

		ck_assert(entry->size > 0 && entry->base >= end);
		end = entry->base + entry->size;
		if (entry->type == MEMORY_RAM)
			ram += entry->size;
		else if (entry->base == platform.ecam.base)
			ecam = entry->size == platform.ecam.size;
		else if (entry->base == X86_IDENTITY_BASE)
			hidden = entry->size == X86_KVM_PAGES_SIZE;
	}
	ck_assert_uint_eq(ram, 5 * GIB - (X86_HIGH_RAM_BASE - X86_LOW_RAM_END));
	ck_assert(ecam && hidden);
}
END_TEST

/* How @map describes the whole of [@base, @end); 0 when not by one entry. */
static enum memory_type type_of(const struct memory_map *map, uint64_t base, uint64_t end)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->entries[i].base == base &&
		    map->entries[i].base + map->entries[i].size == end)
			return map->entries[i].type;
	return 0;
}

/* The guest is told to keep off what its devices could not reach. */
START_TEST(memory_map_tells_of_what_is_left_out)
{
	static const struct ram_range ranges[] = {
		{0, 0x7b800000},
		{0x7d000000, 0xfee00000 - 0x7d000000},
		{0xfef00000, 0xfd00000000 - 0xfef00000},
		{TIB, 255 * TIB},
	};
	struct memory_map map;
	uint64_t end = 0, ram = 0;

	request.physical_bits = 48;
	request.usable = ranges;
	request.usable_count = ARRAY_SIZE(ranges);
	request.ram_size = 2 * TIB;
	lay_out();
	ck_assert_uint_eq(platform.ram_count, 4);
	memory_map_fill(&map, &platform);
	ck_assert_int_eq(type_of(&map, 0x7b800000, 0x7d000000), MEMORY_RESERVED);
	ck_assert_int_eq(type_of(&map, 4 * GIB, 0xfd00000000), MEMORY_RAM);
	ck_assert_int_eq(type_of(&map, 0xfd00000000, TIB), MEMORY_RESERVED);
	ck_assert_int_eq(type_of(&map, TIB, end_of(platform.ram[3])), MEMORY_RAM);
	for (size_t i = 0; i < map.count; i++) {
		struct ram_range entry = {map.entries[i].base, map.entries[i].size};

		ck_assert(entry.size > 0 && entry.base >= end);
		end = end_of(entry);
		ck_assert(!overlap(entry, platform.mmio32) && !overlap(entry, platform.mmio64));
		ram += map.entries[i].type == MEMORY_RAM ? entry.size : 0;
	}
	ck_assert_uint_eq(ram, 2 * TIB - (X86_HIGH_RAM_BASE - X86_LOW_RAM_END));

	/*
	 * Without anything left out nothing is told: the high piece follows the low ones at 4 GiB.
	 */
	request.usable = NULL;
	request.ram_size = 5 * GIB;
	lay_out();
	memory_map_fill(&map, &platform);
	ck_assert_uint_eq(map.count, 6);
}
END_TEST

/* Every second megabyte cannot be used, and above 4 GiB nothing for a while. */
START_TEST(memory_map_has_room_for_every_piece)
{
	struct ram_range ranges[RAM_PIECES_MAX];
	struct memory_map map;

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = (struct ram_range){4 * MIB * i, 3 * MIB};
	for (size_t i = ARRAY_SIZE(ranges) / 2; i < ARRAY_SIZE(ranges); i++)
		ranges[i].base += 5 * GIB;
	request.usable = ranges;
	request.usable_count = ARRAY_SIZE(ranges);
	request.ram_size = 3 * MIB * RAM_PIECES_MAX;
	lay_out();
	memory_map_fill(&map, &platform);
	ck_assert_uint_eq(map.count, MEMORY_ENTRIES_MAX - 1);
	ck_assert_int_eq(type_of(&map, 4 * GIB, ranges[16].base), MEMORY_RESERVED);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, memory_map);
	tcase_add_test(tests, memory_map_tells_of_what_is_left_out);
	tcase_add_test(tests, memory_map_has_room_for_every_piece);
}

int main(void)
{
	return run_suite("x86_64 memory_map", add_tests);
}
