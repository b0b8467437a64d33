/* SPDX-License-Identifier: BSD-3-Clause */
/* Room for what is to come in the windows of a port: as they are, and as they were at first. */

#include <errno.h>

#include "tests/unit/devices/pci/test_slot.h"
#include "tests/unit/support/suite.h"

/* A toy that is not behind the port yet. */
static void outside(void)
{
	toy = toy_create(bench, "0000:01:00.0");
}

static void set_window(unsigned int base_at, uint64_t base, uint64_t last)
{
	port_write(base_at, (uint32_t)(base >> 16 & 0xfff0));
	port_write(base_at + 2, (uint32_t)(last >> 16 & 0xfff0));
}

static void needs(unsigned int index, enum pci_bar_kind kind, bool prefetchable, uint64_t size)
{
	ck_assert_int_eq(toy_bar(toy, index, kind, size), 0);
	toy->pci.bars[index].prefetchable = prefetchable;
}

static void fits(void)
{
	struct err err = {0};

	ck_assert_msg(pci_port_check_room(port, &toy->pci, &err) == 0, "%s", err.text);
}

static void refused(const char *text)
{
	struct err err = {0};

	ck_assert_int_eq(pci_port_check_room(port, &toy->pci, &err), -ENOSPC);
	ck_assert_str_eq(err.text, text);
}

static void forget(void)
{
	toy_destroy(&toy->pci);
	bench_take(bench);
}

/* 32 MiB of memory, 64 MiB of prefetchable memory. */
START_TEST(what_fills_the_windows_fits)
{
	outside();
	fits();
	needs(0, PCI_BAR_MEM32, false, 0x1000000);
	needs(1, PCI_BAR_IO, false, 0x8000); /* does not count */
	needs(2, PCI_BAR_MEM64, true, 0x4000000);
	needs(4, PCI_BAR_MEM64, false, 0x800000);
	needs(PCI_ROM_BAR, PCI_BAR_ROM, false, 0x800000);
	fits();
	forget();
	outside();
	needs(0, PCI_BAR_MEM32, false, 0x2000000);
	needs(1, PCI_BAR_MEM32, false, 0x1000);
	refused("0000:01:00.0 does not fit into slot 1: its memory BARs need 0x2001000 bytes, "
		"each at a multiple of its size, of a window that has 0x2000000 at 0xc0000000: "
		"choose another slot, or start with more room in the slots (--hotplug)");
	forget();
}
END_TEST

/* Not below: when the machine restarts, all of it comes into its own window. */
START_TEST(what_is_prefetchable_lies_in_its_window)
{
	outside();
	needs(0, PCI_BAR_MEM64, true, 0x4000000);
	fits();
	needs(4, PCI_BAR_MEM64, true, 0x1000);
	refused("0000:01:00.0 does not fit into slot 1: its prefetchable BARs need 0x4001000 "
		"bytes, each at a multiple of its size, of a window that has 0x4000000 at "
		"0x800000000: choose another slot, or start with more room in the slots "
		"(--hotplug)");
	forget();
	outside();
	needs(0, PCI_BAR_MEM64, true, 0x8000000);
	refused("0000:01:00.0 does not fit into slot 1: its prefetchable BARs need 0x8000000 "
		"bytes, each at a multiple of its size, of a window that has 0x4000000 at "
		"0x800000000: choose another slot, or start with more room in the slots "
		"(--hotplug)");
	forget();
}
END_TEST

START_TEST(functions_share_the_windows)
{
	struct err err = {0};

	outside();
	needs(0, PCI_BAR_MEM32, false, 0x1000000);
	ck_assert_int_eq(pci_port_add(port, &toy->pci, 0, &err), 0);
	outside();
	needs(0, PCI_BAR_MEM32, false, 0x1000000);
	fits();
	needs(1, PCI_BAR_MEM32, false, 0x1000);
	refused("0000:01:00.0 does not fit into slot 1: its memory BARs, with those of the "
		"functions that are there, need 0x2001000 bytes, each at a multiple of its size, "
		"of a window that has 0x2000000 at 0xc0000000: choose another slot, or start with "
		"more room in the slots (--hotplug)");
	forget();
}
END_TEST

/* One that is to have a page of its own takes that. */
START_TEST(bars_have_pages)
{
	outside();
	needs(0, PCI_BAR_MEM32, false, 0x1000000);
	needs(1, PCI_BAR_MEM32, false, 0x800000);
	needs(2, PCI_BAR_MEM32, false, 0x800);
	fits();
	toy->pci.bars[2].page = 0x1000000;
	refused("0000:01:00.0 does not fit into slot 1: its memory BARs need 0x2800000 bytes, "
		"each at a multiple of its size, of a window that has 0x2000000 at 0xc0000000: "
		"choose another slot, or start with more room in the slots (--hotplug)");
	toy->pci.bars[2].page = 0;
	forget();
}
END_TEST

/* What came later, into a window that the guest made larger, takes nobody's place at a restart. */
START_TEST(what_came_later_ranks_behind)
{
	struct pci_port *first;
	struct err err = {0};
	uint64_t base, last;

	teardown();
	setup_host();
	bench->host->config.buses = 3;
	create_port(&(struct pci_port_config){.room = {0x1000, 0x2000000, 0x1000000}});
	first = port;
	create_port(&(struct pci_port_config){.room = {0x1000, 0x2000000, 0x4000000}});
	bench->host->config.mmio64_size = 0x6000000;
	bench->host->config.mmio32_size = 0x4000000;
	ck_assert_int_eq(pci_host_assign(bench->host, &err), 0);
	outside();
	needs(0, PCI_BAR_MEM64, true, 0x4000000);
	ck_assert_int_eq(pci_port_add(first, &toy->pci, 0, &err), 0);
	pci_port_insert(first, NULL);
	pci_host_reset(bench->host);
	ck_assert(pci_port_range(port, PCI_WINDOW_PREFETCH, &base, &last));
	ck_assert_uint_eq(last - base + 1, 0x4000000);
	ck_assert(!pci_port_range(first, PCI_WINDOW_PREFETCH, &base, &last));
}
END_TEST

/* The guest makes the window larger, or moves it to where less is aligned. */
START_TEST(the_guest_moves_windows)
{
	outside();
	needs(0, PCI_BAR_MEM32, false, 0x4000000);
	refused("0000:01:00.0 does not fit into slot 1: its memory BARs need 0x4000000 bytes, "
		"each at a multiple of its size, of a window that has 0x2000000 at 0xc0000000: "
		"choose another slot, or start with more room in the slots (--hotplug)");
	set_window(PCI_MEMORY_BASE, WINDOW32 + 0x4000000, WINDOW32 + 0x7ffffff);
	fits();
	set_window(PCI_MEMORY_BASE, WINDOW32 + 0x5000000, WINDOW32 + 0x9ffffff);
	refused("0000:01:00.0 does not fit into slot 1: its memory BARs need 0x4000000 bytes, "
		"each at a multiple of its size, of a window that has 0x5000000 at 0xc5000000: "
		"choose another slot, or start with more room in the slots (--hotplug)");
	forget();
}
END_TEST

START_TEST(a_window_that_was_made_smaller_can_be_made_larger)
{
	outside();
	needs(0, PCI_BAR_MEM32, false, 0x2000000);
	needs(2, PCI_BAR_MEM64, true, 0x4000000);
	set_window(PCI_MEMORY_BASE, WINDOW32, WINDOW32 + 0x1fffff);
	set_window(PCI_PREF_MEMORY_BASE, 0xfff00000, 0);
	fits();
	forget();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup_empty, teardown);
	tcase_add_test(tests, what_fills_the_windows_fits);
	tcase_add_test(tests, what_is_prefetchable_lies_in_its_window);
	tcase_add_test(tests, functions_share_the_windows);
	tcase_add_test(tests, bars_have_pages);
	tcase_add_test(tests, what_came_later_ranks_behind);
	tcase_add_test(tests, the_guest_moves_windows);
	tcase_add_test(tests, a_window_that_was_made_smaller_can_be_made_larger);
}

int main(void)
{
	return run_suite("pci room", add_tests);
}
