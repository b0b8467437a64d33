/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest-physical layout of x86_64. */

#include <check.h>
#include <errno.h>

#include "arch/arch.h"
#include "arch/x86_64/memory_map.h"
#include "arch/x86_64/platform_x86.h"
#include "tests/unit/arch/x86_64/test_layout.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

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
}

int main(void)
{
	return run_suite("x86_64_layout", add_tests);
}
