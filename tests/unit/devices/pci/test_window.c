/* SPDX-License-Identifier: BSD-3-Clause */
/* The windows of a port: what registers say, to the byte (PCI-to-PCI Bridge 1.2 3.2.5.6 on). */

#include "devices/pci/window.h"

#include <check.h>
#include <linux/pci_regs.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

static uint8_t config[256];

static void closed(enum pci_window window)
{
	uint64_t base, last;

	ck_assert(!pci_window_get(config, window, &base, &last));
	ck_assert(!pci_window_holds(config, window, base, 1));
}

static void is(enum pci_window window, uint64_t base, uint64_t last)
{
	uint64_t first, final;

	ck_assert(pci_window_get(config, window, &first, &final));
	ck_assert_uint_eq(first, base);
	ck_assert_uint_eq(final, last);
	ck_assert(pci_window_holds(config, window, base, last - base + 1));
	ck_assert(pci_window_holds(config, window, last, 1));
	ck_assert(!pci_window_holds(config, window, last, 2));
	ck_assert(!pci_window_holds(config, window, base - 1, 2));
	ck_assert(!pci_window_holds(config, window, last + 1, 1));
}

START_TEST(io_has_4_kib_and_16_bits)
{
	config[PCI_IO_BASE] = 0x20;
	config[PCI_IO_LIMIT] = 0x1f; /* the low bits are the kind */
	closed(PCI_WINDOW_IO);
	config[PCI_IO_LIMIT] = 0x2f;
	is(PCI_WINDOW_IO, 0x2000, 0x2fff);
	config[PCI_IO_LIMIT] = 0xf0;
	is(PCI_WINDOW_IO, 0x2000, 0xffff);
	pci_window_set(config, PCI_WINDOW_IO, 0x5000, 0x6fff);
	is(PCI_WINDOW_IO, 0x5000, 0x6fff);
	ck_assert_uint_eq(pci_window_granule(PCI_WINDOW_IO), 4 * KIB);
}
END_TEST

START_TEST(memory_has_a_mib_below_4_gib)
{
	store_le16(config + PCI_MEMORY_BASE, 0xfff0);
	store_le16(config + PCI_MEMORY_LIMIT, 0);
	closed(PCI_WINDOW_MEMORY);
	store_le16(config + PCI_MEMORY_LIMIT, 0xfff0);
	is(PCI_WINDOW_MEMORY, 0xfff00000, 0xffffffff);
	/* The upper halves are the prefetchable window's alone. */
	store_le32(config + PCI_PREF_BASE_UPPER32, 1);
	store_le32(config + PCI_PREF_LIMIT_UPPER32, 1);
	is(PCI_WINDOW_MEMORY, 0xfff00000, 0xffffffff);
	pci_window_set(config, PCI_WINDOW_MEMORY, 0xc0100000, 0xc02fffff);
	ck_assert_uint_eq(load_le16(config + PCI_MEMORY_BASE), 0xc010);
	ck_assert_uint_eq(load_le16(config + PCI_MEMORY_LIMIT), 0xc020);
	is(PCI_WINDOW_MEMORY, 0xc0100000, 0xc02fffff);
	ck_assert_uint_eq(pci_window_granule(PCI_WINDOW_MEMORY), MIB);
}
END_TEST

START_TEST(prefetchable_memory_has_64_bits)
{
	store_le16(config + PCI_PREF_MEMORY_BASE, 0x0011);
	store_le16(config + PCI_PREF_MEMORY_LIMIT, 0x0001);
	store_le32(config + PCI_PREF_BASE_UPPER32, 0x12);
	store_le32(config + PCI_PREF_LIMIT_UPPER32, 0x12);
	closed(PCI_WINDOW_PREFETCH);
	store_le32(config + PCI_PREF_LIMIT_UPPER32, 0x13);
	is(PCI_WINDOW_PREFETCH, 0x1200100000, 0x13000fffff);
	pci_window_set(config, PCI_WINDOW_PREFETCH, 0x800000000, 0x8ffffffff);
	is(PCI_WINDOW_PREFETCH, 0x800000000, 0x8ffffffff);
	ck_assert_uint_eq(load_le16(config + PCI_PREF_MEMORY_BASE), 1);
	ck_assert_uint_eq(load_le16(config + PCI_PREF_MEMORY_LIMIT), 0xfff1);
	/* To the very last byte. */
	pci_window_set(config, PCI_WINDOW_PREFETCH, MIB, UINT64_MAX);
	ck_assert(pci_window_holds(config, PCI_WINDOW_PREFETCH, MIB, UINT64_MAX - MIB + 1));
	ck_assert(pci_window_holds(config, PCI_WINDOW_PREFETCH, UINT64_MAX, 1));
	ck_assert(!pci_window_holds(config, PCI_WINDOW_PREFETCH, UINT64_MAX, 2));
	ck_assert(!pci_window_holds(config, PCI_WINDOW_PREFETCH, 0, 1));
}
END_TEST

START_TEST(each_is_closed_as_at_power_on)
{
	for (unsigned int window = 0; window < PCI_WINDOWS; window++) {
		pci_window_set(config, window, 0x8000000, 0x80fffff);
		pci_window_close(config, window);
		closed(window);
	}
	ck_assert_uint_eq(load_le16(config + PCI_IO_BASE), 0x00f0);
	ck_assert_uint_eq(load_le32(config + PCI_MEMORY_BASE), 0x0000fff0);
	ck_assert_uint_eq(load_le32(config + PCI_PREF_BASE_UPPER32), 0);
}
END_TEST

START_TEST(room_has_an_alignment)
{
	static const struct pci_room rooms[] = {
		{0, 0}, {1, 1}, {3, 2}, {0x3000000, 0x2000000}, {UINT64_MAX, UINT64_C(1) << 63},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rooms); i++)
		ck_assert_uint_eq(pci_room(rooms[i].size).alignment, rooms[i].alignment);
}
END_TEST

START_TEST(addresses_are_taken_in_their_order)
{
	struct pci_span span = {.base = 0x1800, .size = 0x2800}, low = {.size = 0x1000};
	struct pci_span high = {.base = UINT64_MAX - 0xfff, .size = 0x1000};
	uint64_t address;

	ck_assert(pci_span_take(&span, 0x1000, 0x1000, &address));
	ck_assert_uint_eq(address, 0x2000);
	ck_assert(!pci_span_take(&span, 0x2000, 0x1000, &address));
	ck_assert(pci_span_take(&span, 0x1000, 0x1000, &address));
	ck_assert_uint_eq(address, 0x3000);
	ck_assert(!pci_span_take(&span, 1, 1, &address));
	/* Not at 0, which is none. */
	ck_assert(pci_span_take(&low, 0x100, 0x100, &address));
	ck_assert_uint_eq(address, 0x100);
	ck_assert(!pci_span_take(&high, 0x1000, 0x2000, &address));
	ck_assert(pci_span_take(&high, 0x1000, 0x1000, &address));
	ck_assert(!pci_span_take(&high, 1, 1, &address));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, io_has_4_kib_and_16_bits);
	tcase_add_test(tests, memory_has_a_mib_below_4_gib);
	tcase_add_test(tests, prefetchable_memory_has_64_bits);
	tcase_add_test(tests, each_is_closed_as_at_power_on);
	tcase_add_test(tests, room_has_an_alignment);
	tcase_add_test(tests, addresses_are_taken_in_their_order);
}

int main(void)
{
	return run_suite("pci window", add_tests);
}
