/* SPDX-License-Identifier: BSD-3-Clause */
/* Places for RAM and for the windows of PCI among the addresses that can be used. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "arch/place.h"
#include "tests/unit/support/suite.h"

static struct arch_layout_request request;
static struct platform platform;
static struct place place;
static struct err err;

static void begin(void)
{
	ck_assert_msg(place_begin(&place, &request, &platform, 2 * MIB, &err) == 0, "%s", err.text);
}

static void setup(void)
{
	request = (struct arch_layout_request){
		.cpus = 1,
		.buses = 1,
		.ram_size = 64 * MIB,
		.page_size = 4096,
		.physical_bits = 40,
	};
}

START_TEST(ram_is_placed_upwards_as_far_as_it_is_wanted)
{
	begin();
	ck_assert_int_eq(place_ram(&place, (struct place_span){0, 16 * MIB}, &err), 0);
	ck_assert_int_eq(place_ram_end(&place, &err), -ENOSPC);
	ck_assert_int_eq(place_ram(&place, (struct place_span){GIB, 2 * GIB}, &err), 0);
	ck_assert_int_eq(place_ram_end(&place, &err), 0);
	ck_assert_uint_eq(platform.ram_count, 2);
	ck_assert(platform.ram[0].base == 0 && platform.ram[0].size == 16 * MIB);
	ck_assert(platform.ram[1].base == GIB && platform.ram[1].size == 48 * MIB);
}
END_TEST

START_TEST(pieces_begin_and_end_at_pages_and_are_no_crumbs)
{
	static const struct ram_range usable[] = {
		{0, MIB},                     /* less than a page of RAM */
		{4 * MIB + 0x1000, 3 * MIB},  /* no whole one */
		{16 * MIB - 0x1000, 9 * MIB}, /* three and a half */
		{GIB, GIB},
	};

	request.usable = usable;
	request.usable_count = ARRAY_SIZE(usable);
	begin();
	ck_assert_int_eq(place_ram(&place, (struct place_span){0, 4 * GIB}, &err), 0);
	ck_assert_uint_eq(platform.ram_count, 2);
	ck_assert(platform.ram[0].base == 16 * MIB && platform.ram[0].size == 8 * MIB);
	ck_assert(platform.ram[1].base == GIB && platform.ram[1].size == 56 * MIB);
}
END_TEST

START_TEST(the_low_window_holds_an_aligned_block)
{
	request.mmio32_needed = 192 * MIB;
	begin();
	ck_assert(place_window32_roomy(&place, (struct place_span){3 * GIB, 4 * GIB}));
	ck_assert(place_window32_roomy(&place, (struct place_span){GIB, GIB + 256 * MIB}));
	ck_assert(!place_window32_roomy(&place, (struct place_span){GIB + MIB, GIB + 257 * MIB}));
	ck_assert_int_eq(place_window32(&place, (struct place_span){GIB, GIB + 128 * MIB}, &err),
			 -ENOSPC);
	ck_assert_ptr_nonnull(
		strstr(err.text, "192 MiB of 32-bit BARs: there is room for 128 MiB"));
	ck_assert_int_eq(place_window32(&place, (struct place_span){3 * GIB, 4 * GIB}, &err), 0);
	ck_assert(platform.mmio32.base == 3 * GIB && platform.mmio32.size == GIB);
}
END_TEST

START_TEST(the_high_window_is_above_all_and_aligned)
{
	begin();
	ck_assert_int_eq(place_ram(&place, (struct place_span){0, GIB}, &err), 0);
	ck_assert_int_eq(place_window64(&place, &err), 0);
	ck_assert_uint_eq(platform.mmio64.size, 64 * GIB);
	ck_assert_uint_eq(platform.mmio64.base, 64 * GIB);
	/* Fewer addresses: less than is wished, no less than is needed. */
	request.physical_bits = 36;
	request.mmio64_needed = 24 * GIB;
	begin();
	ck_assert_int_eq(place_ram(&place, (struct place_span){0, GIB}, &err), 0);
	ck_assert_int_eq(place_window64(&place, &err), 0);
	ck_assert(platform.mmio64.base == 32 * GIB && platform.mmio64.size == 32 * GIB);
	request.mmio64_needed = 33 * GIB;
	begin();
	ck_assert_int_eq(place_ram(&place, (struct place_span){0, GIB}, &err), 0);
	ck_assert_int_eq(place_window64(&place, &err), -ENOSPC);
	/* There need be none. */
	request.physical_bits = 32;
	request.mmio64_needed = 0;
	begin();
	ck_assert_int_eq(place_ram(&place, (struct place_span){0, GIB}, &err), 0);
	ck_assert_int_eq(place_window64(&place, &err), 0);
	ck_assert_uint_eq(platform.mmio64.size, 0);
}
END_TEST

static void refused(const char *part)
{
	ck_assert_int_eq(place_begin(&place, &request, &platform, 4096, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, part), "%s", err.text);
	setup();
}

START_TEST(requests_that_cannot_be_are_refused)
{
	request.cpus = 0;
	refused("processors: 0");
	request.buses = 257;
	refused("PCI buses: 257");
	request.page_size = 4097;
	refused("not a multiple of the page size");
	request.ram_size += 1;
	refused("not a multiple of the page size");
	request.ram_size = 0;
	refused("too small");
	request.physical_bits = 53;
	refused("53 bits");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, ram_is_placed_upwards_as_far_as_it_is_wanted);
	tcase_add_test(tests, pieces_begin_and_end_at_pages_and_are_no_crumbs);
	tcase_add_test(tests, the_low_window_holds_an_aligned_block);
	tcase_add_test(tests, the_high_window_is_above_all_and_aligned);
	tcase_add_test(tests, requests_that_cannot_be_are_refused);
}

int main(void)
{
	return run_suite("place", add_tests);
}
