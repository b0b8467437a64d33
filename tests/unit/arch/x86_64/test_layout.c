/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest-physical layout of x86_64. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "arch/arch.h"
#include "arch/x86_64/memory_map.h"
#include "arch/x86_64/platform_x86.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

#define TIB (1024 * GIB)

static struct arch_layout_request request;
static struct platform platform;
static struct err err;

static void setup(void)
{
	request = (struct arch_layout_request){.cpus = 1,
					       .ram_size = 256 * MIB,
					       .page_size = 4096,
					       .buses = 256,
					       .physical_bits = 46};
	err = (struct err){0};
}

static uint64_t end_of(struct ram_range range)
{
	return range.base + range.size;
}

static bool overlap(struct ram_range a, struct ram_range b)
{
	return ranges_overlap(a.base, a.size, b.base, b.size);
}

static bool usable(struct ram_range piece)
{
	if (!request.usable)
		return true;
	for (size_t i = 0; i < request.usable_count; i++)
		if (piece.base >= request.usable[i].base &&
		    end_of(piece) <= end_of(request.usable[i]))
			return true;
	return false;
}

/* What holds of every layout; then the caller looks at its own. */
static void lay_out(void)
{
	static const struct ram_range fixed[] = {{X86_MMIO32_END, 4 * GIB - X86_MMIO32_END}};
	uint64_t total = 0, top = (uint64_t)1 << request.physical_bits;

	ck_assert_msg(arch_layout(&request, &platform, &err) == 0, "%s", err.text);
	ck_assert_uint_gt(platform.ram_count, 0);
	ck_assert_uint_eq(platform.ram[0].base, 0);
	ck_assert_uint_ge(platform.ram[0].size, MIB);
	for (size_t i = 0; i < platform.ram_count; i++) {
		struct ram_range piece = platform.ram[i];

		total += piece.size;
		ck_assert(is_aligned(piece.base | piece.size, request.page_size));
		ck_assert(piece.size > 0 && end_of(piece) <= top);
		ck_assert(i == 0 || end_of(platform.ram[i - 1]) <= piece.base);
		ck_assert(usable(piece));
		ck_assert(!overlap(piece, platform.ecam) && !overlap(piece, platform.mmio32) &&
			  !overlap(piece, platform.mmio64) && !overlap(piece, fixed[0]));
	}
	ck_assert_uint_eq(total, request.ram_size);
	ck_assert_uint_ge(platform.mmio32.size, request.mmio32_needed);
	ck_assert_uint_ge(platform.mmio64.size, request.mmio64_needed);
	ck_assert_uint_le(end_of(platform.ecam), platform.mmio32.base);
	ck_assert_uint_le(end_of(platform.mmio32), X86_MMIO32_END);
	ck_assert(is_aligned(platform.ecam.base, 256 * MIB));
	ck_assert_uint_eq(platform.ecam.size, request.buses * MIB);
	if (platform.mmio64.size > 0) {
		ck_assert(is_power_of_2(platform.mmio64.size));
		ck_assert(is_aligned(platform.mmio64.base, platform.mmio64.size));
		ck_assert_uint_ge(platform.mmio64.base, 4 * GIB);
		ck_assert_uint_le(end_of(platform.mmio64), top);
		ck_assert(usable(platform.mmio64));
	}
}

static void refuse(int code, const char *word)
{
	ck_assert_int_eq(arch_layout(&request, &platform, &err), code);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.text, word), "'%s' is not in '%s'", word, err.text);
}

START_TEST(small)
{
	for (uint64_t size = 2 * MIB; size <= 64 * MIB; size += 4096 * 37) {
		request.ram_size = size;
		lay_out();
		ck_assert_uint_eq(platform.ram_count, 1);
	}
	ck_assert_uint_eq(platform.ecam.base, X86_HOLE_BASE);
	ck_assert_uint_eq(platform.mmio32.base, 0xd0000000);
	ck_assert_uint_eq(platform.mmio64.size, 64 * GIB);
	ck_assert_uint_eq(platform.io.base, 0x1000);
	ck_assert_uint_eq(end_of(platform.io), 0x10000);
	ck_assert_uint_eq(platform.intx_gsi, 16);
	ck_assert_uint_eq(platform.intx_count, 8);
}
END_TEST

START_TEST(three_gib_boundary)
{
	request.ram_size = 3 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.ram_count, 1);
	request.ram_size = 3 * GIB + 4096;
	lay_out();
	ck_assert_uint_eq(platform.ram_count, 2);
	ck_assert_uint_eq(platform.ram[0].size, 3 * GIB);
	ck_assert_uint_eq(platform.ram[1].base, 4 * GIB);
	ck_assert_uint_eq(platform.ram[1].size, 4096);
	request.ram_size = 3 * GIB - 4096;
	lay_out();
	ck_assert_uint_eq(platform.ram_count, 1);
}
END_TEST

START_TEST(five_gib)
{
	request.ram_size = 5 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.ram[1].base, 4 * GIB);
	ck_assert_uint_eq(platform.ram[1].size, 2 * GIB);
	ck_assert_uint_eq(platform.mmio64.base, 64 * GIB);
}
END_TEST

START_TEST(huge_pages)
{
	request.page_size = GIB;
	request.ram_size = 5 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.ram_count, 2);
	request.page_size = 2 * MIB;
	request.ram_size = 3 * GIB + 2 * MIB;
	lay_out();
	request.ram_size += 4096;
	refuse(-EINVAL, "multiple");
}
END_TEST

/* AMD's HyperTransport range just below 1 TiB, and the x86 MSI range, are never usable. */
START_TEST(amd_hole)
{
	static const struct ram_range ranges[] = {
		{0, 0xfee00000},
		{0xfef00000, 0xfd00000000 - 0xfef00000},
		{TIB, 255 * TIB},
	};

	request.physical_bits = 48;
	request.usable = ranges;
	request.usable_count = ARRAY_SIZE(ranges);
	request.ram_size = TIB;
	lay_out();
	ck_assert_uint_eq(platform.ram_count, 3);
	ck_assert_uint_eq(end_of(platform.ram[1]), 0xfd00000000);
	ck_assert_uint_eq(platform.ram[2].base, TIB);
	ck_assert_uint_ge(platform.mmio64.base, TIB);
	request.page_size = GIB;
	lay_out();
	/* The window, too, keeps off the hole when RAM ends just before it. */
	request.ram_size = 1000 * GIB;
	lay_out();
	ck_assert_uint_ge(platform.mmio64.base, TIB);
}
END_TEST

START_TEST(iommu_of_39_bits)
{
	static const struct ram_range ranges[] = {
		{0, 0xfee00000},
		{0xfef00000, ((uint64_t)1 << 39) - 0xfef00000},
	};

	request.usable = ranges;
	request.usable_count = ARRAY_SIZE(ranges);
	lay_out();
	ck_assert_uint_le(end_of(platform.mmio64), (uint64_t)1 << 39);
	request.ram_size = 440 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.mmio64.size, 64 * GIB);
	request.ram_size = 480 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.mmio64.size, 16 * GIB);
	request.mmio64_needed = 32 * GIB;
	refuse(-ENOSPC, "64-bit BARs");
	request.mmio64_needed = 0;
	request.ram_size = 511 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.mmio64.size, 0);
	request.ram_size = 512 * GIB;
	refuse(-ENOSPC, "IOMMU");
}
END_TEST

/*
 * More than a TiB with the HyperTransport hole and others: RAM and the 64-bit window are in what
 * can be used, and the window in one piece of it.
 */
START_TEST(several_reserved_ranges_above_1_tib)
{
	static const struct ram_range ranges[] = {
		{0, 0xfee00000},
		{0xfef00000, 0xfd00000000 - 0xfef00000},
		{TIB, TIB / 2},
		{2 * TIB, 0x100000},
		{2 * TIB + GIB, 130 * GIB},
		{4 * TIB, 4 * TIB},
	};

	request.physical_bits = 46;
	request.usable = ranges;
	request.usable_count = ARRAY_SIZE(ranges);
	for (request.ram_size = 900 * GIB; request.ram_size <= 5 * TIB;
	     request.ram_size += 37 * GIB)
		lay_out();
	request.ram_size = TIB + TIB / 2 - 20 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.mmio64.base, 2 * TIB + 64 * GIB);
	request.mmio64_needed = TIB;
	lay_out();
	ck_assert_uint_eq(platform.mmio64.base, 4 * TIB);
	request.page_size = GIB;
	lay_out();
	request.mmio64_needed = 8 * TIB;
	refuse(-ENOSPC, "64-bit BARs");
}
END_TEST

/*
 * The MSI range lies above the 32-bit window. Another reserved range in it costs no room: a BAR
 * there works but for DMA from other devices.
 */
START_TEST(reserved_range_in_the_32_bit_window)
{
	static const struct ram_range ranges[] = {
		{0, 0xd8000000},
		{0xdc000000, 0xfee00000 - 0xdc000000},
		{0xfef00000, TIB},
	};
	struct ram_range window;

	lay_out();
	window = platform.mmio32;
	ck_assert_uint_le(end_of(window), 0xfee00000);
	request.usable = ranges;
	request.usable_count = ARRAY_SIZE(ranges);
	lay_out();
	ck_assert_uint_eq(platform.mmio32.base, window.base);
	ck_assert_uint_eq(platform.mmio32.size, window.size);
}
END_TEST

START_TEST(large_bars)
{
	request.mmio64_needed = 100 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.mmio64.size, 128 * GIB);
	request.physical_bits = 36;
	refuse(-ENOSPC, "64-bit BARs");
	request.mmio64_needed = UINT64_MAX;
	refuse(-ENOSPC, "too large");
}
END_TEST

START_TEST(large_32_bit_bars)
{
	request.ram_size = 4 * GIB;
	request.mmio32_needed = 256 * MIB;
	lay_out();
	ck_assert_uint_eq(platform.ecam.base, X86_HOLE_BASE);
	request.mmio32_needed = 512 * MIB;
	lay_out();
	ck_assert_uint_eq(platform.ram[0].size, 2 * GIB);
	ck_assert_uint_eq(platform.ram[1].size, 2 * GIB);
	request.mmio32_needed = GIB;
	lay_out();
	ck_assert_uint_eq(platform.ram[0].size, GIB);
	request.mmio32_needed = 2 * GIB + 512 * MIB;
	lay_out();
	request.mmio32_needed = 3 * GIB;
	refuse(-ENOSPC, "32-bit BARs");
	request.mmio32_needed = UINT64_MAX;
	refuse(-ENOSPC, "32-bit BARs");
}
END_TEST

START_TEST(reserved_ranges_in_low_memory)
{
	static const struct ram_range holes[] = {
		{0, 0x7b800000},
		{0x7b801000, 0x1000},
		{0x7d000000, 0xfee00000 - 0x7d000000},
		{0xfef00000, TIB},
	};
	static const struct ram_range no_start[] = {{0x1000, TIB}};
	static const struct ram_range short_start[] = {{0, 0x80000}, {0x90000, TIB}};

	request.usable = holes;
	request.usable_count = ARRAY_SIZE(holes);
	request.ram_size = 4 * GIB;
	lay_out();
	/* The fragment of one page is not worth having. */
	ck_assert_uint_eq(platform.ram[1].base, 0x7d000000);

	request.usable = no_start;
	request.usable_count = 1;
	refuse(-ENOSPC, "first MiB");
	request.usable = short_start;
	request.usable_count = 2;
	refuse(-ENOSPC, "first MiB");
	request.usable_count = 0;
	refuse(-ENOSPC, "first MiB");
}
END_TEST

START_TEST(too_many_pieces)
{
	struct ram_range ranges[RAM_PIECES_MAX + 1];

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = (struct ram_range){4 * MIB * i, 3 * MIB};
	request.usable = ranges;
	request.usable_count = ARRAY_SIZE(ranges);
	request.ram_size = 3 * MIB * RAM_PIECES_MAX;
	lay_out();
	ck_assert_uint_eq(platform.ram_count, RAM_PIECES_MAX);
	request.ram_size += 3 * MIB;
	refuse(-ENOSPC, "too many pieces");
}
END_TEST

START_TEST(ranges_at_the_end_of_everything)
{
	static const struct ram_range ranges[] = {{0, 4 * GIB}, {4 * GIB, UINT64_MAX}};

	request.usable = ranges;
	request.usable_count = 2;
	request.ram_size = 8 * GIB;
	request.physical_bits = 52;
	request.page_size = GIB;
	ck_assert_int_eq(arch_layout(&request, &platform, &err), 0);
	ck_assert_uint_eq(platform.ram_count, 2);
}
END_TEST

/* Fewer buses leave everything else where it is. */
START_TEST(one_bus)
{
	struct ram_range window;

	lay_out();
	window = platform.mmio32;
	request.buses = 1;
	lay_out();
	ck_assert_uint_eq(platform.mmio32.base, window.base);
	ck_assert_uint_eq(platform.mmio32.size, window.size);
}
END_TEST

START_TEST(bad_requests)
{
	request.ram_size = arch_ram_minimum() - 4096;
	refuse(-EINVAL, "too small");
	request.ram_size = 0;
	refuse(-EINVAL, "too small");
	setup();
	request.cpus = 0;
	refuse(-EINVAL, "processors");
	request.cpus = PLATFORM_CPUS_MAX + 1;
	refuse(-EINVAL, "processors");
	setup();
	request.buses = 0;
	refuse(-EINVAL, "buses");
	request.buses = 257;
	refuse(-EINVAL, "buses");
	setup();
	request.ram_size = 16 * MIB + 1;
	refuse(-EINVAL, "multiple");
	setup();
	request.ram_size = align_down(UINT64_MAX, 4096);
	refuse(-ENOSPC, "do not fit");
	setup();
	request.physical_bits = 64;
	refuse(-EINVAL, "64 bits");
}
END_TEST

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
	tcase_add_test(tests, small);
	tcase_add_test(tests, three_gib_boundary);
	tcase_add_test(tests, five_gib);
	tcase_add_test(tests, huge_pages);
	tcase_add_test(tests, amd_hole);
	tcase_add_test(tests, iommu_of_39_bits);
	tcase_add_test(tests, several_reserved_ranges_above_1_tib);
	tcase_add_test(tests, reserved_range_in_the_32_bit_window);
	tcase_add_test(tests, large_bars);
	tcase_add_test(tests, large_32_bit_bars);
	tcase_add_test(tests, reserved_ranges_in_low_memory);
	tcase_add_test(tests, too_many_pieces);
	tcase_add_test(tests, ranges_at_the_end_of_everything);
	tcase_add_test(tests, one_bus);
	tcase_add_test(tests, bad_requests);
	tcase_add_test(tests, memory_map);
	tcase_add_test(tests, memory_map_tells_of_what_is_left_out);
	tcase_add_test(tests, memory_map_has_room_for_every_piece);
}

int main(void)
{
	return run_suite("x86_64_layout", add_tests);
}
