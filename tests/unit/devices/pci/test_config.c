/* SPDX-License-Identifier: BSD-3-Clause */
/* Config space: who answers, accesses that are dropped, what of a write sticks. */

#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

static uint64_t ecam(unsigned int bus, unsigned int slot, unsigned int function,
		     unsigned int offset)
{
	return ECAM + (uint64_t)bus * MIB + slot * 0x8000 + function * 0x1000 + offset;
}

START_TEST(nobody_answers_with_all_ones)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a");

	toy_add(toy, 1, 0);
	ck_assert_uint_eq(map_read(bench->mmio, ecam(0, 2, 0, 0), 4), UINT32_MAX);
	ck_assert_uint_eq(map_read(bench->mmio, ecam(0, 1, 1, 0), 2), 0xffff);
	ck_assert_uint_eq(map_read(bench->mmio, ecam(1, 1, 0, 0), 4), UINT32_MAX);
	ck_assert_uint_eq(map_read(bench->mmio, ecam(0, 1, 0, 0x100), 4), UINT32_MAX);
	ck_assert_uint_eq(map_read(bench->mmio, ecam(2, 0, 0, 0), 4), UINT32_MAX);
	map_write(bench->mmio, ecam(0, 2, 0, 4), 4, 7);
	map_write(bench->mmio, ecam(0, 1, 0, 0xffc), 4, 7);
	ck_assert_str_eq(bench->log, "");
	map_write(bench->pio, 0xcf8, 4, 0x80ff0000);
	ck_assert_uint_eq(map_read(bench->pio, 0xcfc, 4), UINT32_MAX);
	bench_destroy(bench);
}
END_TEST

START_TEST(accesses_over_a_dword_are_dropped)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a");

	toy_add(toy, 1, 0);
	ck_assert_uint_eq(map_read(bench->mmio, ecam(0, 1, 0, 0), 8), UINT64_MAX);
	ck_assert_uint_eq(map_read(bench->mmio, ecam(0, 1, 0, 2), 4), UINT32_MAX);
	ck_assert_uint_eq(map_read(bench->mmio, ecam(0, 1, 0, 3), 2), 0xffff);
	ck_assert_uint_eq(map_read(bench->mmio, ecam(0, 1, 0, 1), 2), 0x7812);
	map_write(bench->mmio, ecam(0, 1, 0, 4), 8, 7);
	map_write(bench->mmio, ecam(0, 1, 0, 3), 2, 0x0700);
	ck_assert_str_eq(bench->log, "");
	ck_assert_uint_eq(toy_read(toy, PCI_COMMAND, 2), 0);
	bench_destroy(bench);
}
END_TEST

START_TEST(masks_decide_what_sticks)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a");

	store_le16(toy->pci.config + PCI_STATUS, 0xf910);
	toy->pci.write_mask[0x41] = 0x3c;
	toy_add(toy, 1, 0);
	toy_write(toy, 0, 4, 0);
	ck_assert_uint_eq(toy_read(toy, 0, 4), 0x56781234);
	toy_write(toy, 0x40, 4, UINT32_MAX);
	ck_assert_uint_eq(toy_read(toy, 0x40, 4), 0x3c00);
	toy_write(toy, 0x41, 1, 0x0f);
	ck_assert_uint_eq(toy_read(toy, 0x40, 4), 0x0c00);
	toy_write(toy, PCI_COMMAND, 4, 0x80000000 | PCI_COMMAND_MASTER);
	ck_assert_uint_eq(toy_read(toy, PCI_COMMAND, 4), 0x79100000 | PCI_COMMAND_MASTER);
	toy_write(toy, PCI_STATUS, 2, 0);
	ck_assert_uint_eq(toy_read(toy, PCI_STATUS, 2), 0x7910);
	toy_write(toy, PCI_STATUS + 1, 1, 0xff);
	ck_assert_uint_eq(toy_read(toy, PCI_STATUS, 2), 0x0010);
	bench_destroy(bench);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, nobody_answers_with_all_ones);
	tcase_add_test(tests, accesses_over_a_dword_are_dropped);
	tcase_add_test(tests, masks_decide_what_sticks);
}

int main(void)
{
	return run_suite("pci config", add_tests);
}
