/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses for BARs and for windows of ports, as firmware gives them: largest first. */

#include <errno.h>

#include "devices/pci/host.h"
#include "devices/pci/port.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

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

static struct kvm_irq irq;

static struct pci_port *add_port(struct bench *bench, const char *name)
{
	const struct pci_port_config config = {.name = name, .irq = &irq};
	struct err err = {0};
	struct pci_port *port = pci_port_create(bench->host, &config, &err);

	ck_assert_msg(port, "%s", err.text);
	return port;
}

static void window_is(const struct pci_port *port, enum pci_window window, uint64_t base,
		      uint64_t size)
{
	uint64_t first, last;

	ck_assert_int_eq(pci_port_range(port, window, &first, &last), size != 0);
	if (size == 0)
		return;
	ck_assert_uint_eq(first, base);
	ck_assert_uint_eq(last, base + size - 1);
}

START_TEST(what_is_behind_a_port_lies_in_its_windows)
{
	struct bench *bench = bench_create();
	struct toy *a = toy_create(bench, "a"), *b = toy_create(bench, "b");
	struct pci_port *port = add_port(bench, "port");
	struct err err = {0};

	ck_assert_int_eq(toy_bar(a, 0, PCI_BAR_MEM64, 0x200000), 0);
	ck_assert_int_eq(toy_bar(a, 2, PCI_BAR_MEM64, 0x1000000), 0);
	a->pci.bars[2].prefetchable = true;
	ck_assert_int_eq(toy_bar(a, 4, PCI_BAR_MEM32, 0x4000), 0);
	ck_assert_int_eq(toy_bar(a, 5, PCI_BAR_IO, 0x20), 0);
	ck_assert_int_eq(toy_bar(a, PCI_ROM_BAR, PCI_BAR_ROM, 0x10000), 0);
	ck_assert_int_eq(pci_port_add(port, &a->pci, 0, &err), 0);
	pci_port_insert(port, NULL);
	ck_assert_int_eq(toy_bar(b, 0, PCI_BAR_MEM32, 0x400000), 0);
	ck_assert_int_eq(toy_bar(b, 2, PCI_BAR_MEM64, 0x4000000), 0);
	ck_assert_int_eq(toy_bar(b, 5, PCI_BAR_IO, 0x100), 0);
	toy_add(b, -1, 0);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	window_is(port, PCI_WINDOW_MEMORY, WINDOW32 + 0x400000, 0x300000);
	window_is(port, PCI_WINDOW_PREFETCH, WINDOW64 + 0x4000000, 0x1000000);
	window_is(port, PCI_WINDOW_IO, 0x2000, 0x1000);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, 0), WINDOW32 + 0x400000);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, PCI_ROM_BAR), WINDOW32 + 0x600000);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, 4), WINDOW32 + 0x610000);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, 2), WINDOW64 + 0x4000000);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, 5), 0x2000);
	ck_assert_uint_eq(pci_device_bar_address(&b->pci, 0), WINDOW32);
	ck_assert_uint_eq(pci_device_bar_address(&b->pci, 2), WINDOW64);
	ck_assert_uint_eq(pci_device_bar_address(&b->pci, 5), 0x1000);
	pci_host_reset(bench->host);
	window_is(port, PCI_WINDOW_MEMORY, WINDOW32 + 0x400000, 0x300000);
	bench_destroy(bench);
}
END_TEST

START_TEST(a_window_that_does_not_fit_is_said)
{
	struct bench *bench = bench_create();
	struct toy *a = toy_create(bench, "a");
	struct pci_port *port = add_port(bench, "port");
	struct err err = {0};

	ck_assert_int_eq(toy_bar(a, 0, PCI_BAR_MEM64, 0x10000000), 0);
	ck_assert_int_eq(toy_bar(a, 2, PCI_BAR_MEM32, 0x1000), 0);
	ck_assert_int_eq(pci_port_add(port, &a->pci, 0, &err), 0);
	pci_port_insert(port, NULL);
	ck_assert_int_eq(pci_host_assign(bench->host, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "port memory window: its 0x10100000 bytes do not "
					       "fit into the 32-bit memory window at"));
	window_is(port, PCI_WINDOW_MEMORY, 0, 0);
	ck_assert_uint_eq(pci_device_bar_address(&a->pci, 0), 0);
	bench_destroy(bench);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, addresses_are_assigned_largest_first);
	tcase_add_test(tests, a_64_bit_bar_may_go_below_but_not_the_other_way);
	tcase_add_test(tests, a_full_io_window_is_said);
	tcase_add_test(tests, what_is_behind_a_port_lies_in_its_windows);
	tcase_add_test(tests, a_window_that_does_not_fit_is_said);
}

int main(void)
{
	return run_suite("pci assign", add_tests);
}
