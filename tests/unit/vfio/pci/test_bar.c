/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's BARs in the guest: what of them is mapped, what is trapped and why. */

#include <check.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"

START_TEST(only_the_msix_pages_are_carved_out)
{
	uint64_t base;

	start();
	ck_assert_uint_eq(bench.mapped_count, 0);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	base = bar(0);
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(mapped_at(base)->size, 0x3000);
	ck_assert_uint_eq(mapped_at(base + 0x5000)->size, 0xb000);
	ck_assert_uint_eq(mapped_at(bar(4))->size, 2 * MIB);
	ck_assert(is_aligned((uintptr_t)mapped_at(bar(4))->host, 2 * MIB));
	ck_assert_uint_ge(bar(4), WINDOW64);

	/* Whoever maps a slice otherwise finds it in the device's descriptor. */
	ck_assert_int_eq(mapped_at(base + 0x5000)->device, bench.fake.memory);
	ck_assert_uint_eq(mapped_at(base + 0x5000)->device_offset, 0x5000);
	ck_assert_uint_eq(mapped_at(bar(4))->device_offset, 4ULL << FAKE_REGION_SHIFT);

	/* What the guest maps is the device, and DEVICE slices have handlers too. */
	*(volatile uint32_t *)mapped_at(base)->host = 0x1234;
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, 0, 4), 0x1234);
	ck_assert_uint_eq(guest_read(base, 2), 0x1234);
	ck_assert_uint_eq(bench.fake.last_size, 2);
	guest_write(base + 0x5008, 8, 0x1122334455667788);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, 0x5008, 8), 0x1122334455667788);

	/* Registers beside the table and the PBA are the device's, the table is not. */
	guest_write(base + 0x30a0, 4, 0xabcd);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, 0x30a0, 4), 0xabcd);
	guest_write(base + 0x3000, 4, 0xfee00000);
	ck_assert_uint_eq(guest_read(base + 0x3000, 4), 0xfee00000);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, 0x3000, 4), 0);
	ck_assert_uint_eq(guest_read(base + 0x4000, 4), 0);
	/* What the device holds back for a vector that nobody unmasked yet is seen too. */
	fake_vfio_poke(&bench.fake, 0, 0x4000, 4, 1 << 6);
	ck_assert_uint_eq(guest_read(base + 0x4000, 8), 1 << 6);
	fake_vfio_poke(&bench.fake, 0, 0x4000, 4, 0);
	ck_assert_uint_eq(guest_read(base + 0x3001, 1), 0xff);

	config_write(PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(bench.mapped_count, 0);
}
END_TEST

START_TEST(a_device_that_does_not_decode_reads_all_ones)
{
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	fake_vfio_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(guest_read(bar(0) + 0x10, 4), UINT32_MAX);
	guest_write(bar(0) + 0x10, 4, 7);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 0, 0x10, 4), 0);
}
END_TEST

START_TEST(io_bars_are_trapped)
{
	uint64_t value, base;

	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_IO);
	base = config_read(PCI_BASE_ADDRESS_0 + 8, 4) & ~3U;
	ck_assert_int_eq(mem_map_write(bench.pio, base + 4, 2, 0xbeef), MEM_DONE);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 2, 4, 2), 0xbeef);
	ck_assert_int_eq(mem_map_read(bench.pio, base + 4, 1, &value), MEM_DONE);
	ck_assert_uint_eq(value, 0xef);
}
END_TEST

static void add_sparse(unsigned int region, const struct vfio_region_sparse_mmap_area *areas,
		       uint32_t count)
{
	struct vfio_region_info_cap_sparse_mmap cap = {
		.header = {.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1},
		.nr_areas = count,
	};

	fake_vfio_tail(&bench.fake.regions[region], &cap, sizeof(cap));
	fake_vfio_tail(&bench.fake.regions[region], areas, count * sizeof(*areas));
}

START_TEST(sparse_areas_are_obeyed)
{
	const struct vfio_region_sparse_mmap_area areas[] = {
		{.offset = 0x8000, .size = 0x4000},
		{.offset = 0x1800, .size = 0x3000}, /* pages 2 and 3, of which 3 has the table */
		{.offset = 0xa000, .size = 0x2000}, /* inside the first */
		{.offset = 0xf000, .size = 0x2000}, /* leaves the region */
	};

	add_sparse(0, areas, ARRAY_SIZE(areas));
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(mapped_at(bar(0) + 0x8000)->size, 0x4000);
	ck_assert_uint_eq(mapped_at(bar(0) + 0x2000)->size, 0x1000);
	/* The gaps are trapped: not one byte of the BAR is without an answer. */
	for (uint64_t i = 0; i < 64 * KIB; i += 0x800)
		fake_vfio_poke(&bench.fake, 0, i, 4, 0x100 + (uint32_t)i);
	for (uint64_t i = 0; i < 64 * KIB; i += 0x800)
		if (i != 0x3000 && i != 0x4000)
			ck_assert_uint_eq(guest_read(bar(0) + i, 4), 0x100 + i);
}
END_TEST

START_TEST(no_areas_at_all_means_no_mapping)
{
	add_sparse(4, NULL, 0);
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_null(mapped_at(bar(4)));
	fake_vfio_poke(&bench.fake, 4, 0x1000, 4, 77);
	ck_assert_uint_eq(guest_read(bar(4) + 0x1000, 4), 77);
}
END_TEST

/* It shares its host page with another device: the kernel does not let it be mapped. */
START_TEST(a_small_bar_that_shares_its_page_is_trapped)
{
	bench.fake.regions[4].size = 256;
	bench.fake.regions[4].flags &= ~(uint32_t)VFIO_REGION_INFO_FLAG_MMAP;
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_null(mapped_at(bar(4)));
	guest_write(bar(4) + 0xfc, 4, 5);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 4, 0xfc, 4), 5);
}
END_TEST

static void move_bar_4(uint64_t address)
{
	config_write(PCI_COMMAND, 2, 0);
	config_write(PCI_BASE_ADDRESS_4, 4, (uint32_t)address);
	config_write(PCI_BASE_ADDRESS_5, 4, (uint32_t)(address >> 32));
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

START_TEST(a_small_bar_fills_a_page_that_is_its_own)
{
	bench.fake.regions[4].size = 256;
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	/* As assigned: a page of its own. */
	ck_assert(is_aligned(bar(4), 4096));
	ck_assert_uint_eq(mapped_at(bar(4))->size, 4096);
	*(volatile uint32_t *)mapped_at(bar(4))->host = 0x4321;
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 4, 0, 4), 0x4321);
	/* Not at the start of a page, or beside another BAR in it: handled, not mapped. */
	move_bar_4(WINDOW32 + 2 * MIB + 256);
	ck_assert_uint_eq(mapped_at(bar(4))->size, 256);
	fake_vfio_poke(&bench.fake, 4, 0xfc, 4, 6);
	ck_assert_uint_eq(guest_read(bar(4) + 0xfc, 4), 6);
	ck_assert_uint_eq(guest_read(bar(4) + 0x100, 4), UINT32_MAX);
	move_bar_4(WINDOW32 + 2 * MIB);
	ck_assert_uint_eq(mapped_at(bar(4))->size, 4096);
}
END_TEST

/* KVM_RUN failed and KVM does not say where: slices of devices that are there stay mapped. */
START_TEST(a_device_tells_whether_it_backs_its_slices)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0x44, 1, 8);
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
	ck_assert_uint_eq(mem_map_demote_unbacked(bench.mmio), 0);
	ck_assert_uint_eq(bench.mapped_count, 3);
	/* Asleep, without memory, gone from the bus: without the monitor's doing. */
	fake_vfio_poke(&bench.fake, CONFIG, 0x44, 1, 8 | 3);
	ck_assert_uint_eq(mem_map_demote_unbacked(bench.mmio), 3);
	ck_assert_uint_eq(bench.mapped_count, 0);
	fake_vfio_poke(&bench.fake, CONFIG, 0x44, 1, 8);
	/* Decoding anew brings them back. */
	config_write(PCI_COMMAND, 2, 0);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
	fake_vfio_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(mem_map_demote_unbacked(bench.mmio), 3);
	pci_host_reset(bench.host);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
	fake_vfio_kill(&bench.fake);
	ck_assert_uint_eq(mem_map_demote_unbacked(bench.mmio), 3);
}
END_TEST

START_TEST(chosen_bars_are_trapped)
{
	bench.options.trapped = 1 << 4;
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 2);
	ck_assert_ptr_null(mapped_at(bar(4)));
	guest_write(bar(4) + 0x10000, 4, 9);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, 4, 0x10000, 4), 9);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, only_the_msix_pages_are_carved_out);
	tcase_add_test(tests, a_device_that_does_not_decode_reads_all_ones);
	tcase_add_test(tests, io_bars_are_trapped);
	tcase_add_test(tests, chosen_bars_are_trapped);
	tcase_add_test(tests, sparse_areas_are_obeyed);
	tcase_add_test(tests, no_areas_at_all_means_no_mapping);
	tcase_add_test(tests, a_small_bar_that_shares_its_page_is_trapped);
	tcase_add_test(tests, a_small_bar_fills_a_page_that_is_its_own);
	tcase_add_test(tests, a_device_tells_whether_it_backs_its_slices);
}

int main(void)
{
	return run_suite("vfio bar", add_tests);
}
