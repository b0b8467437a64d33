/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The generic PCI host for a controller that is not ARM's: one cell an interrupt, no unit address.
 */

#include <check.h>
#include <endian.h>
#include <libfdt.h>

#include "arch/fdt/pci.h"
#include "devices/pci/pci.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

enum { PLIC = 7, IMSIC = 9, ENTRY = 6 };

static uint8_t blob[65536];
static const struct platform platform = {
	.ecam = {0x30000000, 2 * MIB},
	.mmio32 = {0x40000000, 0x40000000},
	.intx_gsi = 32,
	.intx_count = 4,
};

static void specify(uint32_t gsi, uint32_t *cells)
{
	cells[0] = gsi;
}

static const uint32_t *cells(const char *name, int count)
{
	int size, node = fdt_path_offset(blob, "/pcie@30000000");
	const uint32_t *value = fdt_getprop(blob, node, name, &size);

	ck_assert_ptr_nonnull(value);
	ck_assert_int_eq(size, count * 4);
	return value;
}

static void build(void)
{
	const struct dt_pci pci = {
		.platform = &platform,
		.io = {0x3000000, 0x10000},
		.interrupt_parent = PLIC,
		.specifier_cells = 1,
		.specify = specify,
		.msi_parent = IMSIC,
	};
	struct err err = {0};
	struct dt dt;

	dt_create(&dt, blob, sizeof(blob));
	dt_begin(&dt, "");
	dt_add_pci(&dt, &pci);
	dt_end(&dt);
	ck_assert_msg(dt_finish(&dt, NULL, &err) > 0, "%s", err.text);
}

START_TEST(every_pin_goes_where_the_host_bridge_raises_it)
{
	const uint32_t *map;

	build();
	map = cells("interrupt-map", PCI_SLOTS * PCI_PINS * ENTRY);
	for (uint32_t i = 0; i < PCI_SLOTS * PCI_PINS; i++, map += ENTRY) {
		ck_assert_uint_eq(be32toh(map[0]), i / PCI_PINS << 11);
		ck_assert(map[1] == 0 && map[2] == 0);
		ck_assert_uint_eq(be32toh(map[3]), i % PCI_PINS + 1);
		ck_assert_uint_eq(be32toh(map[4]), PLIC);
		ck_assert_uint_eq(be32toh(map[5]), pci_intx_gsi(32, 4, i / PCI_PINS, i % PCI_PINS));
	}
	ck_assert_uint_eq(be32toh(cells("msi-map", 4)[1]), IMSIC);
}
END_TEST

START_TEST(a_window_that_is_not_there_is_not_told_of)
{
	const uint32_t *ranges;

	build();
	ranges = cells("ranges", 2 * 7);
	ck_assert_uint_eq(be32toh(ranges[0]), 0x01000000);
	ck_assert_uint_eq(be32toh(ranges[4]), 0x3000000);
	ck_assert_uint_eq(be32toh(ranges[7]), 0x02000000);
	ck_assert_uint_eq(be32toh(ranges[9]), 0x40000000);
	ck_assert_uint_eq(be32toh(cells("bus-range", 2)[1]), 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, every_pin_goes_where_the_host_bridge_raises_it);
	tcase_add_test(tests, a_window_that_is_not_there_is_not_told_of);
}

int main(void)
{
	return run_suite("fdt_pci", add_tests);
}
