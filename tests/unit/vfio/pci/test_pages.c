/* SPDX-License-Identifier: BSD-3-Clause */
/* BARs on a host with pages of 64 KiB, where more registers share a page with the MSI-X table. */

#include <check.h>
#include <stdlib.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"
#include "vmm/base/page.h"

#define PAGE (64 * KIB)

uint64_t host_page_size(void)
{
	return PAGE;
}

/* BAR 0 of 256 KiB with the table and the PBA in its third page, between registers. */
static void place_table(void)
{
	bench.fake.regions[0].size = 4 * PAGE;
	fake_vfio_poke(&bench.fake, CONFIG, 0x74, 4, 0x23000);
	fake_vfio_poke(&bench.fake, CONFIG, 0x78, 4, 0x24000);
}

static void decode(void)
{
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static void add_capability(uint16_t id, const void *payload, size_t size)
{
	const struct vfio_info_cap_header header = {.id = id, .version = 1};

	fake_vfio_tail(&bench.fake.regions[0], &header, sizeof(header));
	fake_vfio_tail(&bench.fake.regions[0], payload, size);
}

/* Every register of the page but those of MSI-X is the device's, at the guest's width. */
static void check_shared_page(uint64_t page)
{
	for (uint64_t i = 0; i < PAGE; i += 0x800) {
		uint64_t at = page + i;
		bool ours = i == 0x3000 || i == 0x4000;

		fake_vfio_poke(&bench.fake, 0, at, 8, 0x1122334400000000 + i);
		guest_write(bar(0) + at, 2, 0x5a5a);
		ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, at, 2), ours ? i : 0x5a5a);
		if (!ours)
			ck_assert_uint_eq(guest_read(bar(0) + at, 8), 0x1122334400005a5a);
	}
	/* The last bytes before the table, the first behind it. */
	guest_write(bar(0) + page + 0x2ffc, 4, 0xb0b0);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, page + 0x2ffc, 4), 0xb0b0);
	guest_write(bar(0) + page + 0x30a0, 4, 0xa0a0);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, page + 0x30a0, 4), 0xa0a0);
	guest_write(bar(0) + page + 0x3000, 4, 0xfee00000);
	ck_assert_uint_eq(guest_read(bar(0) + page + 0x3000, 4), 0xfee00000);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, page + 0x3000, 2), 0x3000);
}

START_TEST(a_table_that_shares_its_page_leaves_the_registers_alive)
{
	place_table();
	decode();
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(mapped_at(bar(0))->size, 2 * PAGE);
	ck_assert_uint_eq(mapped_at(bar(0) + 3 * PAGE)->size, PAGE);
	check_shared_page(2 * PAGE);
}
END_TEST

START_TEST(a_bar_of_one_page_is_trapped_whole)
{
	decode();
	ck_assert_ptr_null(mapped_at(bar(0)));
	ck_assert_uint_eq(mapped_at(bar(4))->size, 2 * MIB);
	check_shared_page(0);
}
END_TEST

START_TEST(a_kernel_that_lets_the_table_be_mapped_changes_nothing)
{
	place_table();
	add_capability(VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, NULL, 0);
	decode();
	ck_assert_uint_eq(bench.mapped_count, 3);
	check_shared_page(2 * PAGE);
}
END_TEST

/* A kernel without that capability leaves the table's page out by itself. */
START_TEST(areas_around_the_table_are_the_same)
{
	const uint64_t sparse[] = {2, 0, 2 * PAGE, 3 * PAGE, PAGE};

	place_table();
	add_capability(VFIO_REGION_INFO_CAP_SPARSE_MMAP, sparse, sizeof(sparse));
	decode();
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(mapped_at(bar(0))->size, 2 * PAGE);
	check_shared_page(2 * PAGE);
}
END_TEST

START_TEST(areas_of_smaller_pages_are_cut_to_whole_ones)
{
	const uint64_t sparse[] = {2, 0x1000, 0x22000, 0x25000, 0x1b000};

	place_table();
	add_capability(VFIO_REGION_INFO_CAP_SPARSE_MMAP, sparse, sizeof(sparse));
	decode();
	ck_assert_ptr_null(mapped_at(bar(0)));
	ck_assert_uint_eq(mapped_at(bar(0) + PAGE)->size, PAGE);
	ck_assert_uint_eq(mapped_at(bar(0) + 3 * PAGE)->size, PAGE);
	check_shared_page(2 * PAGE);
	fake_vfio_poke(&bench.fake, 0, 0x800, 4, 0x77);
	ck_assert_uint_eq(guest_read(bar(0) + 0x800, 4), 0x77);
}
END_TEST

START_TEST(a_table_across_pages_takes_them_all)
{
	place_table();
	fake_vfio_poke(&bench.fake, CONFIG, 0x74, 4, 0xfff0);
	fake_vfio_poke(&bench.fake, CONFIG, 0x78, 4, 0x3f000);
	decode();
	ck_assert_uint_eq(bench.mapped_count, 2);
	ck_assert_uint_eq(mapped_at(bar(0) + 2 * PAGE)->size, PAGE);
	guest_write(bar(0) + 0xfff0, 4, 0xfee01000);
	guest_write(bar(0) + 0x10000, 4, 0xfee02000);
	ck_assert_uint_eq(guest_read(bar(0) + 0xfff0, 4), 0xfee01000);
	ck_assert_uint_eq(guest_read(bar(0) + 0x10000, 4), 0xfee02000);
	guest_write(bar(0) + 0xffe8, 8, 0x1234);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, 0xffe8, 8), 0x1234);
}
END_TEST

/* Alone in its page a small BAR is mapped, as far as the page goes. */
START_TEST(a_small_bar_has_a_page_to_itself)
{
	bench.fake.regions[4].size = 16 * KIB;
	decode();
	ck_assert(is_aligned(bar(4), PAGE));
	ck_assert_uint_eq(mapped_at(bar(4))->size, PAGE);
	guest_write(bar(4) + 0x3ff8, 8, 5);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 4, 0x3ff8, 8), 5);
	/* Somewhere else in a page it is trapped. */
	config_write(PCI_BASE_ADDRESS_0 + 16, 4, (uint32_t)WINDOW64 + 0x4000);
	ck_assert_uint_eq(bar(4) % PAGE, 0x4000);
	ck_assert_uint_eq(guest_read(bar(4) + 0x3ff8, 8), 5);
	for (size_t i = 0; i < bench.mapped_count; i++)
		if (bench.mapped[i]->base == bar(4))
			ck_assert_uint_eq(bench.mapped[i]->size, 16 * KIB);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_table_that_shares_its_page_leaves_the_registers_alive);
	tcase_add_test(tests, a_bar_of_one_page_is_trapped_whole);
	tcase_add_test(tests, a_kernel_that_lets_the_table_be_mapped_changes_nothing);
	tcase_add_test(tests, areas_around_the_table_are_the_same);
	tcase_add_test(tests, areas_of_smaller_pages_are_cut_to_whole_ones);
	tcase_add_test(tests, a_table_across_pages_takes_them_all);
	tcase_add_test(tests, a_small_bar_has_a_page_to_itself);
}

int main(void)
{
	return run_suite("vfio pages of 64 KiB", add_tests);
}
