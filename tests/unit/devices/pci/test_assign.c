/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses for BARs and for windows of ports, as firmware gives them: largest first. */

#include <errno.h>

#include "devices/pci/host.h"
#include "devices/pci/port.h"
#include "tests/unit/support/fake_irq.h"
#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/log.h"
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

static struct pci_port *add_port_with_room(struct bench *bench, const char *name, uint64_t io,
					   uint64_t memory, uint64_t prefetch)
{
	const struct pci_port_config config = {
		.name = name,
		.irq = &irq,
		.room = {io, memory, prefetch},
	};
	struct err err = {0};
	struct pci_port *port = pci_port_create(bench->host, &config, &err);

	ck_assert_msg(port, "%s", err.text);
	return port;
}

static struct pci_port *add_port(struct bench *bench, const char *name)
{
	return add_port_with_room(bench, name, 0, 0, 0);
}

/* With more buses than a bench has. */
static struct bench *create_with_buses(unsigned int buses)
{
	struct bench *bench = bench_create();
	struct pci_host_config config = bench_config(bench);
	struct err err = {0};

	config.buses = buses;
	pci_host_destroy(bench->host);
	bench->host = pci_host_create(&config, &err);
	ck_assert_msg(bench->host, "%s", err.text);
	return bench;
}

static void put_behind(struct pci_port *port, struct toy *toy)
{
	struct err err = {0};

	ck_assert_int_eq(pci_port_add(port, &toy->pci, 0, &err), 0);
	pci_port_insert(port, NULL);
}

static void assign(struct bench *bench)
{
	struct err err = {0};

	ck_assert_msg(pci_host_assign(bench->host, &err) == 0, "%s", err.text);
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

/* A BAR as large as the room is to fit: the window lies at a multiple of its size, or nearly. */
START_TEST(empty_slots_have_their_room)
{
	struct bench *bench = create_with_buses(4);
	struct pci_port *a = add_port_with_room(bench, "a", 0x1000, 0x100000, 0);
	struct pci_port *b = add_port_with_room(bench, "b", 0, 0x3000000, 0x4000000);
	struct pci_port *c = add_port_with_room(bench, "c", 0x1001, 1, 1);

	assign(bench);
	window_is(b, PCI_WINDOW_MEMORY, WINDOW32, 0x3000000);
	window_is(b, PCI_WINDOW_PREFETCH, WINDOW64, 0x4000000);
	window_is(b, PCI_WINDOW_IO, 0, 0);
	window_is(a, PCI_WINDOW_MEMORY, WINDOW32 + 0x3000000, 0x100000);
	window_is(a, PCI_WINDOW_PREFETCH, 0, 0);
	window_is(a, PCI_WINDOW_IO, 0x1000, 0x1000);
	window_is(c, PCI_WINDOW_MEMORY, WINDOW32 + 0x3100000, 0x100000);
	window_is(c, PCI_WINDOW_PREFETCH, WINDOW64 + 0x4000000, 0x100000);
	window_is(c, PCI_WINDOW_IO, 0x2000, 0x2000);
	bench_destroy(bench);
}
END_TEST

START_TEST(memory_that_a_slot_was_promised_is_needed)
{
	struct bench *bench = bench_create();
	struct pci_port *port = add_port_with_room(bench, "port", 0, 0x20000000, 0);
	struct err err = {0};

	ck_assert_int_eq(pci_host_assign(bench->host, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "port memory window: its 0x20000000 bytes do not "
					       "fit into the 32-bit memory window at"));
	window_is(port, PCI_WINDOW_MEMORY, 0, 0);
	bench_destroy(bench);
}
END_TEST

/* There are 14 units of I/O ports: those that need them first, none refuses the start. */
START_TEST(io_windows_are_left_out)
{
	struct bench *bench = create_with_buses(32);
	struct pci_port *empty[8], *used[10];
	struct toy *toys[10];

	for (unsigned int i = 0; i < ARRAY_SIZE(empty); i++)
		empty[i] = add_port_with_room(bench, "empty", 0x1000, 0, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(used); i++) {
		used[i] = add_port(bench, "used");
		toys[i] = toy_create(bench, "toy");
		ck_assert_int_eq(toy_bar(toys[i], 1, PCI_BAR_IO, 0x20), 0);
		put_behind(used[i], toys[i]);
	}
	assign(bench);
	for (unsigned int i = 0; i < ARRAY_SIZE(used); i++) {
		window_is(used[i], PCI_WINDOW_IO, 0x1000 + i * 0x1000, 0x1000);
		ck_assert_uint_eq(pci_device_bar_address(&toys[i]->pci, 1), 0x1000 + i * 0x1000);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(empty); i++)
		window_is(empty[i], PCI_WINDOW_IO, 0xb000 + i * 0x1000, i < 4 ? 0x1000 : 0);
	bench_destroy(bench);
}
END_TEST

START_TEST(io_bars_behind_too_many_ports_are_said)
{
	struct bench *bench = create_with_buses(32);
	struct toy *toys[15];

	for (unsigned int i = 0; i < ARRAY_SIZE(toys); i++) {
		toys[i] = toy_create(bench, "toy");
		ck_assert_int_eq(toy_bar(toys[i], 1, PCI_BAR_IO, 0x20), 0);
		put_behind(add_port(bench, "port"), toys[i]);
	}
	hear();
	assign(bench);
	ck_assert_ptr_nonnull(strstr(heard(), "port: its I/O window is left out, and I/O BARs "
					      "behind it have no addresses: all of the I/O window "
					      "is taken"));
	ck_assert_uint_eq(pci_device_bar_address(&toys[13]->pci, 1), 0xe000);
	ck_assert_uint_eq(pci_device_bar_address(&toys[14]->pci, 1), 0);
	bench_destroy(bench);
}
END_TEST

START_TEST(what_is_not_in_its_slot_gets_nothing)
{
	struct bench *bench = bench_create();
	struct pci_port *port = add_port(bench, "port");
	struct toy *toy = toy_create(bench, "toy");
	struct err err = {0};

	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x4000), 0);
	ck_assert_int_eq(pci_port_add(port, &toy->pci, 0, &err), 0);
	assign(bench);
	window_is(port, PCI_WINDOW_MEMORY, 0, 0);
	pci_host_reset(bench->host);
	ck_assert_uint_eq(pci_device_bar_address(&toy->pci, 0), 0);
	pci_port_insert(port, NULL);
	pci_host_reset(bench->host);
	window_is(port, PCI_WINDOW_MEMORY, WINDOW32, 0x100000);
	ck_assert_uint_eq(pci_device_bar_address(&toy->pci, 0), WINDOW32);
	ck_assert_uint_eq(toy_read(toy, PCI_BASE_ADDRESS_0, 4), WINDOW32);
	bench_destroy(bench);
}
END_TEST

/* What was open stays so, at each later restart too. */
START_TEST(windows_wait_for_what_left)
{
	struct bench *bench = create_with_buses(3);
	struct pci_port *port = add_port(bench, "port"), *other = add_port(bench, "other");
	struct toy *toy = toy_create(bench, "toy"), *stays = toy_create(bench, "stays");

	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x1000000), 0);
	ck_assert_int_eq(toy_bar(toy, 1, PCI_BAR_IO, 0x20), 0);
	ck_assert_int_eq(toy_bar(toy, 2, PCI_BAR_MEM32, 0x1000), 0);
	put_behind(port, toy);
	ck_assert_int_eq(toy_bar(stays, 0, PCI_BAR_MEM32, 0x4000), 0);
	put_behind(other, stays);
	assign(bench);
	window_is(port, PCI_WINDOW_MEMORY, WINDOW32, 0x1100000);
	pci_port_eject(port);
	pci_port_remove(port, &toy->pci);
	toy_destroy(&toy->pci);
	for (unsigned int i = 0; i < 2; i++) {
		pci_host_reset(bench->host);
		window_is(port, PCI_WINDOW_MEMORY, WINDOW32, 0x1100000);
		window_is(port, PCI_WINDOW_IO, 0x1000, 0x1000);
		ck_assert_uint_eq(pci_device_bar_address(&stays->pci, 0), WINDOW32 + 0x1100000);
	}
	bench_destroy(bench);
}
END_TEST

/* Where a restart finds no room, as in firmware: the rest has its addresses. */
START_TEST(what_came_and_does_not_fit_has_no_address)
{
	struct bench *bench = create_with_buses(3);
	struct pci_port *port = add_port(bench, "port");
	struct toy *large = toy_create(bench, "large"), *toy = toy_create(bench, "toy");
	struct toy *late = toy_create(bench, "late");

	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x1000), 0);
	toy_add(toy, -1, 0);
	assign(bench);
	ck_assert_int_eq(toy_bar(large, 0, PCI_BAR_MEM32, 0x10000000), 0);
	ck_assert_int_eq(toy_bar(large, 2, PCI_BAR_MEM32, 0x10), 0);
	put_behind(port, large);
	ck_assert_int_eq(toy_bar(late, 0, PCI_BAR_MEM32, 0x20000000), 0);
	toy_add(late, -1, 0);
	hear();
	pci_host_reset(bench->host);
	ck_assert_ptr_nonnull(strstr(heard(), "PCI addresses could not be assigned: port memory "
					      "window: its 0x10100000 bytes do not fit"));
	window_is(port, PCI_WINDOW_MEMORY, 0, 0);
	ck_assert_uint_eq(pci_device_bar_address(&large->pci, 0), 0);
	ck_assert_uint_eq(pci_device_bar_address(&late->pci, 0), 0);
	ck_assert_uint_eq(pci_device_bar_address(&toy->pci, 0), WINDOW32);
	/* It has gone, and asks for nothing. */
	pci_port_eject(port);
	pci_port_remove(port, &large->pci);
	toy_destroy(&large->pci);
	pci_host_reset(bench->host);
	window_is(port, PCI_WINDOW_MEMORY, 0, 0);
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
	tcase_add_test(tests, empty_slots_have_their_room);
	tcase_add_test(tests, memory_that_a_slot_was_promised_is_needed);
	tcase_add_test(tests, io_windows_are_left_out);
	tcase_add_test(tests, io_bars_behind_too_many_ports_are_said);
	tcase_add_test(tests, what_is_not_in_its_slot_gets_nothing);
	tcase_add_test(tests, windows_wait_for_what_left);
	tcase_add_test(tests, what_came_and_does_not_fit_has_no_address);
}

int main(void)
{
	return run_suite("pci assign", add_tests);
}
