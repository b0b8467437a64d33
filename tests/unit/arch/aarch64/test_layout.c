/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest-physical layout of aarch64. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/aarch64/platform_arm.h"
#include "arch/arch.h"
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
					       .physical_bits = 40};
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

static void check_ram(void)
{
	static const struct ram_range fixed = {0, ARM_RAM_BASE};
	uint64_t total = 0, top = (uint64_t)1 << request.physical_bits;

	ck_assert_uint_gt(platform.ram_count, 0);
	for (size_t i = 0; i < platform.ram_count; i++) {
		struct ram_range piece = platform.ram[i];

		total += piece.size;
		ck_assert(is_aligned(piece.base, ARM_PAGE_MAX));
		ck_assert(is_aligned(piece.base | piece.size, request.page_size));
		ck_assert(i + 1 == platform.ram_count || is_aligned(piece.size, ARM_PAGE_MAX));
		ck_assert(piece.size > 0 && end_of(piece) <= top);
		ck_assert(i == 0 || end_of(platform.ram[i - 1]) <= piece.base);
		ck_assert(usable(piece));
		ck_assert(!overlap(piece, platform.ecam) && !overlap(piece, platform.mmio32) &&
			  !overlap(piece, platform.mmio64) && !overlap(piece, fixed));
	}
	ck_assert_uint_eq(total, request.ram_size);
}

/* What holds of every layout; then the caller looks at its own. */
static void lay_out(void)
{
	ck_assert_msg(arch_layout(&request, &platform, &err) == 0, "%s", err.text);
	check_ram();
	ck_assert_uint_ge(platform.mmio32.size, request.mmio32_needed);
	ck_assert_uint_ge(platform.mmio64.size, request.mmio64_needed);
	ck_assert_uint_eq(platform.ecam.base, ARM_ECAM_BASE);
	ck_assert_uint_eq(platform.ecam.size, request.buses * MIB);
	ck_assert_uint_eq(platform.mmio32.base, ARM_MMIO32_BASE);
	ck_assert_uint_le(end_of(platform.ecam), platform.mmio32.base);
	ck_assert_uint_le(end_of(platform.mmio32), platform.ram[0].base);
	if (platform.mmio64.size > 0) {
		ck_assert(is_power_of_2(platform.mmio64.size));
		ck_assert(is_aligned(platform.mmio64.base, platform.mmio64.size));
		ck_assert_uint_ge(platform.mmio64.base, 4 * GIB);
		ck_assert_uint_ge(platform.mmio64.base,
				  end_of(platform.ram[platform.ram_count - 1]));
		ck_assert_uint_le(end_of(platform.mmio64), (uint64_t)1 << request.physical_bits);
		ck_assert(usable(platform.mmio64));
	}
}

static void refuse(int code, const char *word)
{
	ck_assert_int_eq(arch_layout(&request, &platform, &err), code);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.text, word), "'%s' is not in '%s'", word, err.text);
}

/* The fixed places leave each other alone, and are made of the largest pages. */
START_TEST(fixed_places)
{
	static const struct ram_range places[] = {
		{0x08000000, MIB},
		{ARM_UART_BASE, ARM_PAGE_MAX},
		{ARM_RTC_BASE, ARM_PAGE_MAX},
		{ARM_GPIO_BASE, ARM_PAGE_MAX},
		{ARM_PVPANIC_BASE, ARM_PAGE_MAX},
		{ARM_DEBUG_EXIT_BASE, ARM_PAGE_MAX},
		{ARM_GICD_BASE, ARM_GICD_SIZE},
		{ARM_ITS_BASE, ARM_ITS_SIZE},
		{ARM_GICR_BASE, ARM_GICR_SIZE * PLATFORM_CPUS_MAX},
		{ARM_PCI_IO_BASE, ARM_PCI_IO_SIZE},
		{ARM_ECAM_BASE, ARM_ECAM_SIZE},
		{ARM_MMIO32_BASE, ARM_RAM_BASE - ARM_MMIO32_BASE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		ck_assert(is_aligned(places[i].base | places[i].size, ARM_PAGE_MAX));
		ck_assert(i == 0 || end_of(places[i - 1]) <= places[i].base);
	}
}
END_TEST

START_TEST(small)
{
	for (uint64_t size = arch_ram_minimum(); size <= 64 * MIB; size += 4096 * 37) {
		request.ram_size = size;
		lay_out();
		ck_assert_uint_eq(platform.ram_count, 1);
		ck_assert_uint_eq(platform.ram[0].base, ARM_RAM_BASE);
	}
	ck_assert_uint_eq(platform.mmio32.size, 512 * MIB);
	ck_assert_uint_eq(platform.mmio64.base, 64 * GIB);
	ck_assert_uint_eq(platform.mmio64.size, 64 * GIB);
	ck_assert_uint_eq(platform.io.base, 0x1000);
	ck_assert_uint_eq(end_of(platform.io), 0x10000);
	ck_assert_uint_eq(platform.intx_gsi, 16);
	ck_assert_uint_eq(platform.intx_count, 8);
	ck_assert_uint_eq(platform.cpus, 1);
}
END_TEST

/* RAM goes on across 4 GiB. */
START_TEST(large)
{
	request.ram_size = 5 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.ram_count, 1);
	request.ram_size = 100 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.mmio64.base, 128 * GIB);
}
END_TEST

START_TEST(huge_pages)
{
	request.page_size = GIB;
	request.ram_size = 5 * GIB;
	lay_out();
	request.page_size = 2 * MIB;
	request.ram_size = 3 * GIB + 2 * MIB;
	lay_out();
	request.ram_size += 4096;
	refuse(-EINVAL, "multiple");
	setup();
	request.page_size = 65536;
	lay_out();
}
END_TEST

START_TEST(large_32_bit_bars)
{
	request.ram_size = 4 * GIB;
	request.mmio32_needed = 512 * MIB;
	lay_out();
	ck_assert_uint_eq(platform.ram[0].base, GIB);
	request.mmio32_needed += 1;
	lay_out();
	ck_assert_uint_eq(platform.ram[0].base, 2 * GIB);
	request.mmio32_needed = GIB;
	lay_out();
	ck_assert_uint_eq(platform.ram[0].base, 2 * GIB);
	/* No aligned block of 2 GiB lies below 3 GiB; the bytes do. */
	request.mmio32_needed = 2 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.ram[0].base, 3 * GIB);
	request.mmio32_needed = 2 * GIB + 512 * MIB;
	lay_out();
	request.mmio32_needed += 1;
	refuse(-ENOSPC, "32-bit BARs");
	request.mmio32_needed = UINT64_MAX;
	refuse(-ENOSPC, "32-bit BARs");
}
END_TEST

START_TEST(large_64_bit_bars)
{
	request.mmio64_needed = 100 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.mmio64.size, 128 * GIB);
	request.mmio64_needed = UINT64_MAX;
	refuse(-ENOSPC, "too large");
}
END_TEST

/* Processors and kernels that have few address bits. */
START_TEST(few_address_bits)
{
	request.physical_bits = 36;
	lay_out();
	ck_assert_uint_eq(platform.mmio64.size, 32 * GIB);
	request.mmio64_needed = 64 * GIB;
	refuse(-ENOSPC, "64-bit BARs");
	request.mmio64_needed = 0;
	request.ram_size = 63 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.mmio64.size, 0);
	request.ram_size += 4096;
	refuse(-ENOSPC, "do not fit");

	request.physical_bits = 32;
	request.ram_size = 3 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.mmio64.size, 0);
	request.mmio64_needed = 4096;
	refuse(-ENOSPC, "64-bit BARs");
	request.mmio64_needed = 0;
	request.mmio32_needed = 2 * GIB;
	request.ram_size = GIB;
	lay_out();
	request.ram_size += 4096;
	refuse(-ENOSPC, "do not fit");

	request.physical_bits = 31;
	refuse(-EINVAL, "31 bits");
}
END_TEST

START_TEST(all_address_bits)
{
	for (request.physical_bits = 33; request.physical_bits <= 52; request.physical_bits++) {
		lay_out();
		ck_assert_uint_gt(platform.mmio64.size, 0);
	}
	request.physical_bits = 53;
	refuse(-EINVAL, "53 bits");
}
END_TEST

/* An SMMU's MSI window at 128 MiB is no hole in RAM; others are, at any page. */
START_TEST(reserved_ranges)
{
	static const struct ram_range ranges[] = {
		{0, 0x8000000},       {0x8100000, 0x7b800000 - 0x8100000},
		{0x7b801000, 0x1000}, {0x7d001000, 0x7e003000 - 0x7d001000},
		{0x80000000, TIB},
	};

	request.usable = ranges;
	request.usable_count = 2;
	lay_out();
	ck_assert_uint_eq(platform.ram_count, 1);
	ck_assert_uint_eq(platform.ram[0].base, ARM_RAM_BASE);
	request.ram_size = 4 * GIB + 4096;
	refuse(-ENOSPC, "do not fit");

	request.usable_count = ARRAY_SIZE(ranges);
	lay_out();
	ck_assert_uint_eq(platform.ram_count, 3);
	ck_assert_uint_eq(end_of(platform.ram[0]), 0x7b800000);
	ck_assert_uint_eq(platform.ram[1].base, 0x7d010000);
	ck_assert_uint_eq(end_of(platform.ram[1]), 0x7e000000);
	ck_assert_uint_eq(platform.ram[2].base, 0x80000000);
	request.ram_size = 4 * GIB;
	request.page_size = 2 * MIB;
	lay_out();
	ck_assert_uint_eq(platform.ram[1].base, 0x7d200000);
}
END_TEST

/* RAM begins after what is reserved at its base. */
START_TEST(reserved_range_at_the_base)
{
	static const struct ram_range ranges[] = {
		{0, 0x3ff00000},
		{0x48001000, TIB - 0x48001000},
	};

	request.usable = ranges;
	request.usable_count = ARRAY_SIZE(ranges);
	lay_out();
	ck_assert_uint_eq(platform.ram[0].base, 0x48010000);
	ck_assert_uint_eq(platform.mmio32.size, 512 * MIB);
	request.usable_count = 1;
	refuse(-ENOSPC, "do not fit");
	request.usable_count = 0;
	refuse(-ENOSPC, "do not fit");
}
END_TEST

START_TEST(window_keeps_off_reserved_ranges)
{
	static const struct ram_range ranges[] = {
		{0, 70 * GIB},
		{130 * GIB, 40 * GIB},
		{256 * GIB, 256 * GIB},
	};

	request.usable = ranges;
	request.usable_count = ARRAY_SIZE(ranges);
	lay_out();
	ck_assert_uint_eq(platform.mmio64.base, 256 * GIB);
	request.ram_size = 400 * GIB;
	refuse(-ENOSPC, "do not fit");
	request.ram_size = 300 * GIB;
	lay_out();
	ck_assert_uint_eq(platform.ram_count, 3);
	ck_assert_uint_eq(platform.mmio64.base, 448 * GIB);
	request.mmio64_needed = 128 * GIB;
	refuse(-ENOSPC, "64-bit BARs");
}
END_TEST

START_TEST(too_many_pieces)
{
	struct ram_range ranges[RAM_PIECES_MAX + 1];

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		ranges[i] = (struct ram_range){GIB + 4 * MIB * i, 3 * MIB};
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
	request.buses = 1;
	lay_out();
	ck_assert_uint_eq(platform.ecam.size, MIB);
	ck_assert_uint_eq(platform.mmio32.size, 512 * MIB);
}
END_TEST

START_TEST(bad_requests)
{
	request.ram_size = arch_ram_minimum() - 4096;
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
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, fixed_places);
	tcase_add_test(tests, small);
	tcase_add_test(tests, large);
	tcase_add_test(tests, huge_pages);
	tcase_add_test(tests, large_32_bit_bars);
	tcase_add_test(tests, large_64_bit_bars);
	tcase_add_test(tests, few_address_bits);
	tcase_add_test(tests, all_address_bits);
	tcase_add_test(tests, reserved_ranges);
	tcase_add_test(tests, reserved_range_at_the_base);
	tcase_add_test(tests, window_keeps_off_reserved_ranges);
	tcase_add_test(tests, too_many_pieces);
	tcase_add_test(tests, ranges_at_the_end_of_everything);
	tcase_add_test(tests, one_bus);
	tcase_add_test(tests, bad_requests);
}

int main(void)
{
	return run_suite("aarch64_layout", add_tests);
}
