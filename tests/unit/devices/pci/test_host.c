/* SPDX-License-Identifier: BSD-3-Clause */
/* The host bridge: places, assigned addresses, INTx routing, reset and the end of everything. */

#include <errno.h>

#include "devices/pci/host.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

START_TEST(places_are_given_and_refused)
{
	struct bench *bench = bench_create();
	struct toy *toys[31], *late = toy_create(bench, "late");
	struct err err = {0};

	toys[0] = toy_create(bench, "first");
	toy_add(toys[0], -1, 0);
	ck_assert_uint_eq(toys[0]->pci.devfn, 1 << 3);
	ck_assert_uint_eq(pci_device_requester(&toys[0]->pci), 1 << 3);
	ck_assert_int_eq(pci_host_add(bench->host, &late->pci, 1, 0, &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.text, "late: 00:01.0 is taken by first"));
	ck_assert_int_eq(pci_host_add(bench->host, &late->pci, 0, 1, &err), -EINVAL);
	ck_assert_int_eq(pci_host_add(bench->host, &late->pci, 32, 0, &err), -EINVAL);
	ck_assert_int_eq(pci_host_add(bench->host, &late->pci, 1, 8, &err), -EINVAL);
	for (unsigned int i = 1; i < 31; i++) {
		toys[i] = toy_create(bench, "more");
		toy_add(toys[i], -1, 0);
	}
	ck_assert_uint_eq(toys[30]->pci.devfn, 31 << 3);
	ck_assert_int_eq(pci_host_add(bench->host, &late->pci, -1, 0, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "all 31 slots"));
	toy_add(late, 1, 3);
	bench_destroy(bench);
}
END_TEST

START_TEST(function_0_tells_of_others)
{
	struct bench *bench = bench_create();
	struct toy *a = toy_create(bench, "a"), *b = toy_create(bench, "b");
	struct toy *c = toy_create(bench, "c"), *d = toy_create(bench, "d");

	toy_add(a, 1, 0);
	ck_assert_uint_eq(toy_read(a, PCI_HEADER_TYPE, 1), 0);
	toy_add(b, 1, 5);
	ck_assert_uint_eq(toy_read(a, PCI_HEADER_TYPE, 1), 0x80);
	ck_assert_uint_eq(toy_read(b, PCI_HEADER_TYPE, 1), 0);
	toy_add(c, 2, 1);
	toy_add(d, 2, 0);
	ck_assert_uint_eq(toy_read(d, PCI_HEADER_TYPE, 1), 0x80);
	pci_host_reset(bench->host);
	ck_assert_uint_eq(toy_read(a, PCI_HEADER_TYPE, 1), 0x80);
	bench_destroy(bench);
}
END_TEST

START_TEST(addresses_are_assigned_largest_first)
{
	struct bench *bench = bench_create();
	struct toy *a = toy_create(bench, "a"), *b = toy_create(bench, "b");
	struct err err = {0};

	ck_assert_int_eq(toy_bar(a, 0, PCI_BAR_MEM32, 0x1000), 0);
	ck_assert_int_eq(toy_bar(a, 1, PCI_BAR_IO, 0x20), 0);
	ck_assert_int_eq(toy_bar(a, 2, PCI_BAR_MEM64, 0x1000), 0);
	ck_assert_int_eq(toy_bar(a, PCI_ROM_BAR, PCI_BAR_ROM, 0x10000), 0);
	ck_assert_int_eq(toy_bar(b, 0, PCI_BAR_MEM32, 0x4000000), 0);
	ck_assert_int_eq(toy_bar(b, 2, PCI_BAR_MEM64, 0x80000000), 0);
	ck_assert_int_eq(toy_bar(b, 4, PCI_BAR_MEM64, 0x200), 0);
	ck_assert_int_eq(toy_bar(b, 1, PCI_BAR_IO, 0x100), 0);
	toy_add(a, -1, 0);
	toy_add(b, -1, 0);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	ck_assert_uint_eq(pci_device_bar_address(&b->pci, 0), WINDOW32);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, PCI_ROM_BAR), WINDOW32 + 0x4000000);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, 0), WINDOW32 + 0x4010000);
	ck_assert_uint_eq(pci_device_bar_address(&b->pci, 2), WINDOW64);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, 2), WINDOW64 + 0x80000000);
	ck_assert_uint_eq(pci_device_bar_address(&b->pci, 4), WINDOW64 + 0x80001000);
	ck_assert_uint_eq(pci_device_bar_address(&b->pci, 1), 0x1000);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, 1), 0x1100);
	ck_assert_uint_eq(toy_read(a, PCI_BASE_ADDRESS_1, 4), 0x1101);
	ck_assert_uint_eq(toy_read(a, PCI_BASE_ADDRESS_2, 4), 0x80000004);
	ck_assert_uint_eq(toy_read(a, PCI_ROM_ADDRESS, 4), WINDOW32 + 0x4000000);
	ck_assert_uint_eq(bench->changes, 0);
	toy_write(b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_nonnull(b->slices[2].region.map);
	bench_destroy(bench);
}
END_TEST

START_TEST(a_64_bit_bar_may_go_below_but_not_the_other_way)
{
	struct bench *bench = bench_create();
	struct toy *a = toy_create(bench, "0000:01:00.0"), *b = toy_create(bench, "b");
	struct err err = {0};

	ck_assert_int_eq(toy_bar(a, 0, PCI_BAR_MEM64, 0x100000000), 0);
	ck_assert_int_eq(toy_bar(a, 2, PCI_BAR_MEM64, 0x1000), 0);
	toy_add(a, -1, 0);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, 0), WINDOW64);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, 2), WINDOW32);
	ck_assert_int_eq(toy_bar(b, 1, PCI_BAR_MEM32, 0x10000000), 0);
	toy_add(b, -1, 0);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), -ENOSPC);
	ck_assert_str_eq(err.text, "PCI addresses could not be assigned: 0000:01:00.0 BAR 2: its "
				   "0x1000 bytes do not fit into the 64-bit memory window at "
				   "0x800000000, 0x100000000 bytes of which 0x100000000 are "
				   "taken: pass fewer devices");
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, 2), WINDOW32);
	ck_assert_uint_eq(pci_device_bar_address(&b->pci, 1), 0);
	bench_destroy(bench);
}
END_TEST

START_TEST(a_full_io_window_is_said)
{
	static const char *const names[] = {"a", "b", "c"};
	struct bench *bench = bench_create();
	struct err err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct toy *toy = toy_create(bench, names[i]);

		ck_assert_int_eq(toy_bar(toy, 3, PCI_BAR_IO, 0x4000), 0);
		toy_add(toy, -1, 0);
	}
	ck_assert_int_eq(pci_host_assign(bench->host, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "c BAR 3: its 0x4000 bytes do not fit into the I/O "
					       "window at 0x1000"));
	bench_destroy(bench);
}
END_TEST

START_TEST(pins_are_swizzled)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a"), *bridge = toy_create(bench, "bridge");
	struct pci_bus below = {.host = bench->host, .bridge = &bridge->pci, .number = 1};

	toy_add(toy, 1, 0);
	toy_add(bridge, 7, 0);
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), -1);
	toy->pci.config[PCI_INTERRUPT_PIN] = 1;
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), 17);
	toy->pci.config[PCI_INTERRUPT_PIN] = 4;
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), 20);
	toy->pci.devfn = 6 << 3;
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), 17); /* 6 + 3 wraps at 8 */
	toy->pci.config[PCI_INTERRUPT_PIN] = 5;
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), -1);
	toy->pci.config[PCI_INTERRUPT_PIN] = 2;
	toy->pci.devfn = 3 << 3;
	toy->pci.bus = &below;
	ck_assert_int_eq(pci_device_intx_gsi(&toy->pci), 23); /* (3 + 1) % 4 = 0, slot 7 */
	ck_assert_uint_eq(pci_device_requester(&toy->pci), 0x118);
	bench_destroy(bench);
}
END_TEST

START_TEST(a_bridge_above_gates_the_decode)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a"), *bridge = toy_create(bench, "bridge");
	struct pci_bus below = {.host = bench->host, .bridge = &bridge->pci, .number = 1};

	toy_add(toy, 1, 0);
	toy_add(bridge, 2, 0);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	ck_assert(pci_device_decodes(&toy->pci, PCI_BAR_MEM64));
	toy->pci.bus = &below;
	ck_assert(!pci_device_decodes(&toy->pci, PCI_BAR_MEM64));
	toy_write(bridge, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert(pci_device_decodes(&toy->pci, PCI_BAR_MEM64));
	ck_assert(!pci_device_decodes(&toy->pci, PCI_BAR_IO));
	bridge->pci.pm_capability = 0x40;
	bridge->pci.config[0x40 + PCI_PM_CTRL] = 3;
	ck_assert(!pci_device_decodes(&toy->pci, PCI_BAR_MEM64));
	bench_destroy(bench);
}
END_TEST

START_TEST(reset_restores_what_was_assigned)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a");
	struct err err = {0};

	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x1000), 0);
	toy_add(toy, 1, 0);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	toy_write(toy, PCI_BASE_ADDRESS_0, 4, WINDOW32 + 0x8000);
	map_write(bench->pio, 0xcf8, 4, 0x80000800);
	bench_take(bench);
	pci_host_reset(bench->host);
	ck_assert_str_eq(bench_take(bench), "-a0 reset ");
	ck_assert_uint_eq(toy_read(toy, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(toy_read(toy, PCI_BASE_ADDRESS_0, 4), WINDOW32);
	ck_assert_uint_eq(map_read(bench->pio, 0xcf8, 4), 0);
	bench_destroy(bench);
}
END_TEST

START_TEST(the_end_comes_in_reverse)
{
	struct bench *bench = bench_create();
	struct toy *a = toy_create(bench, "a");

	ck_assert_int_eq(toy_bar(a, 0, PCI_BAR_MEM32, 0x1000), 0);
	toy_add(a, 3, 0);
	toy_add(toy_create(bench, "b"), 1, 0);
	toy_write(a, PCI_BASE_ADDRESS_0, 4, WINDOW32);
	toy_write(a, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	bench_take(bench);
	pci_host_destroy(bench->host);
	ck_assert_str_eq(bench_take(bench), "destroy:b -a0 destroy:a ");
	ck_assert_uint_eq(map_read(bench->mmio, ECAM, 4), UINT32_MAX);
	pci_host_destroy(NULL);
	bench->host = NULL;
	bench_destroy(bench);
}
END_TEST

START_TEST(impossible_bridges_are_refused)
{
	struct bench *bench = bench_create();
	struct pci_host_config config = bench_config(bench);
	struct err err = {0};

	ck_assert_ptr_null(pci_host_create(&config, &err)); /* ECAM is taken */
	ck_assert_int_eq(err.code, -EBUSY);
	config.ecam_base += 0x10000000;
	ck_assert_ptr_null(pci_host_create(&config, &err)); /* the ports are */
	ck_assert_int_eq(err.code, -EBUSY);
	ck_assert_uint_eq(map_read(bench->mmio, config.ecam_base, 4), UINT32_MAX);
	config.buses = 257;
	ck_assert_ptr_null(pci_host_create(&config, &err));
	config.buses = 1;
	config.intx_count = 6;
	ck_assert_ptr_null(pci_host_create(&config, &err));
	config.intx_count = 4;
	config.mmio64_size = UINT64_MAX;
	ck_assert_ptr_null(pci_host_create(&config, &err));
	ck_assert_int_eq(err.code, -EINVAL);
	bench_destroy(bench);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, places_are_given_and_refused);
	tcase_add_test(tests, function_0_tells_of_others);
	tcase_add_test(tests, addresses_are_assigned_largest_first);
	tcase_add_test(tests, a_64_bit_bar_may_go_below_but_not_the_other_way);
	tcase_add_test(tests, a_full_io_window_is_said);
	tcase_add_test(tests, pins_are_swizzled);
	tcase_add_test(tests, a_bridge_above_gates_the_decode);
	tcase_add_test(tests, reset_restores_what_was_assigned);
	tcase_add_test(tests, the_end_comes_in_reverse);
	tcase_add_test(tests, impossible_bridges_are_refused);
}

int main(void)
{
	return run_suite("pci host", add_tests);
}
