/* SPDX-License-Identifier: BSD-3-Clause */
/* The ways to config space: ECAM, the two ports, and the reset control among them. */

#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

static uint64_t ecam(unsigned int bus, unsigned int slot, unsigned int function,
		     unsigned int offset)
{
	return ECAM + (uint64_t)bus * MIB + slot * 0x8000 + function * 0x1000 + offset;
}

static uint32_t latch(unsigned int slot, unsigned int offset)
{
	return 0x80000000 | slot << 11 | offset;
}

START_TEST(ecam_and_ports_agree)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a");

	for (unsigned int i = 0; i < PCI_CONFIG_SIZE; i++)
		toy->pci.config[i] = (uint8_t)(i * 7 + 1);
	toy_add(toy, 5, 0);
	for (unsigned int offset = 0; offset < PCI_CONFIG_SIZE; offset += 4) {
		map_write(bench->pio, 0xcf8, 4, latch(5, offset));
		ck_assert_uint_eq(map_read(bench->pio, 0xcf8, 4), latch(5, offset));
		for (unsigned int size = 1; size <= 4; size *= 2)
			for (unsigned int byte = 0; byte < 4; byte += size)
				ck_assert_uint_eq(map_read(bench->pio, 0xcfc + byte, size),
						  map_read(bench->mmio,
							   ecam(0, 5, 0, offset + byte), size));
	}
	ck_assert_uint_eq(map_read(bench->mmio, ecam(0, 5, 0, 0x10), 4), 0x867f7871);
	map_write(bench->pio, 0xcf8, 4, latch(5, PCI_COMMAND));
	map_write(bench->pio, 0xcfc, 2, 0);
	ck_assert_uint_eq(map_read(bench->mmio, ecam(0, 5, 0, PCI_COMMAND), 2) & PCI_COMMAND_MASTER,
			  0);
	map_write(bench->mmio, ecam(0, 5, 0, PCI_COMMAND), 2, PCI_COMMAND_MASTER);
	ck_assert_uint_eq(map_read(bench->pio, 0xcfc, 2) & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
	bench_destroy(bench);
}
END_TEST

START_TEST(the_latch_takes_only_dwords_and_its_enable_bit_counts)
{
	struct bench *bench = bench_create();

	map_write(bench->pio, 0xcf8, 4, latch(0, 0));
	ck_assert_uint_eq(map_read(bench->pio, 0xcfc, 4), 0x0d578086);
	map_write(bench->pio, 0xcf8, 2, 0x1000);
	map_write(bench->pio, 0xcf8, 1, 8);
	ck_assert_uint_eq(map_read(bench->pio, 0xcf8, 4), latch(0, 0));
	ck_assert_uint_eq(map_read(bench->pio, 0xcf8, 2), 0xffff);
	map_write(bench->pio, 0xcf8, 4, UINT32_MAX);
	ck_assert_uint_eq(map_read(bench->pio, 0xcf8, 4), 0x80fffffc);
	map_write(bench->pio, 0xcf8, 4, 0);
	ck_assert_uint_eq(map_read(bench->pio, 0xcfc, 4), UINT32_MAX);
	bench_destroy(bench);
}
END_TEST

START_TEST(bytes_at_cf9_are_the_reset_control)
{
	struct bench *bench = bench_create();

	map_write(bench->pio, 0xcf8, 4, latch(3, 8));
	map_write(bench->pio, 0xcf9, 1, 6);
	ck_assert_uint_eq(bench->reset_control, 6);
	ck_assert_uint_eq(map_read(bench->pio, 0xcf9, 1), 6);
	ck_assert_uint_eq(map_read(bench->pio, 0xcf8, 4), latch(3, 8));
	ck_assert_uint_eq(map_read(bench->pio, 0xcfa, 1), 0xff);
	bench_destroy(bench);
}
END_TEST

START_TEST(the_address_alone_may_wait)
{
	struct bench *bench = bench_create();
	struct mem_view view;

	ck_assert(mem_map_find(bench->pio, 0xcf8, &view));
	ck_assert_uint_eq(view.latch, 4);
	ck_assert(mem_map_find(bench->pio, 0xcfc, &view));
	ck_assert_uint_eq(view.latch, 0);
	bench_destroy(bench);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, ecam_and_ports_agree);
	tcase_add_test(tests, the_latch_takes_only_dwords_and_its_enable_bit_counts);
	tcase_add_test(tests, bytes_at_cf9_are_the_reset_control);
	tcase_add_test(tests, the_address_alone_may_wait);
}

int main(void)
{
	return run_suite("pci ports", add_tests);
}
