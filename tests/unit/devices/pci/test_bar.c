/* SPDX-License-Identifier: BSD-3-Clause */
/* What BARs decode: sizing, moves, overlaps, windows, COMMAND, power, order of effects. */

#include <errno.h>

#include "tests/unit/support/fake_pci.h"
#include "tests/unit/support/suite.h"

enum {
	BAR0 = PCI_BASE_ADDRESS_0,
	BAR1 = PCI_BASE_ADDRESS_1,
	BAR2 = PCI_BASE_ADDRESS_2,
	BAR3 = PCI_BASE_ADDRESS_3,
	BAR4 = PCI_BASE_ADDRESS_4,
};

/* BAR 0: 32-bit, BAR 1: I/O, BARs 2 and 3: 64-bit, BAR 4: small, ROM. */
static struct toy *full_toy(struct bench *bench, const char *name)
{
	struct toy *toy = toy_create(bench, name);

	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x4000), 0);
	ck_assert_int_eq(toy_bar(toy, 1, PCI_BAR_IO, 0x20), 0);
	ck_assert_int_eq(toy_bar(toy, 2, PCI_BAR_MEM64, 0x10000), 0);
	ck_assert_int_eq(toy_bar(toy, 4, PCI_BAR_MEM32, 0x10), 0);
	ck_assert_int_eq(toy_bar(toy, PCI_ROM_BAR, PCI_BAR_ROM, 0x1000), 0);
	return toy;
}

START_TEST(sizing_shows_size_and_type)
{
	struct bench *bench = bench_create();
	struct toy *toy = full_toy(bench, "a");

	toy_add(toy, -1, 0);
	for (unsigned int offset = BAR0; offset < BAR0 + 24; offset += 4)
		toy_write(toy, offset, 4, UINT32_MAX);
	toy_write(toy, PCI_ROM_ADDRESS, 4, 0xfffff800);
	ck_assert_uint_eq(toy_read(toy, BAR0, 4), 0xffffc000);
	ck_assert_uint_eq(toy_read(toy, BAR1, 4), 0xffffffe1);
	ck_assert_uint_eq(toy_read(toy, BAR2, 4), 0xffff0004);
	ck_assert_uint_eq(toy_read(toy, BAR3, 4), 0xffffffff);
	ck_assert_uint_eq(toy_read(toy, BAR4, 4), 0xfffffff0);
	ck_assert_uint_eq(toy_read(toy, PCI_BASE_ADDRESS_5, 4), 0);
	ck_assert_uint_eq(toy_read(toy, PCI_ROM_ADDRESS, 4), 0xfffff000);
	for (unsigned int offset = BAR0; offset < BAR0 + 24; offset += 4)
		toy_write(toy, offset, 4, 0);
	ck_assert_uint_eq(toy_read(toy, BAR1, 4), 1);
	ck_assert_uint_eq(toy_read(toy, BAR2, 4), 4);
	ck_assert_uint_eq(bench->changes, 0);
	bench_destroy(bench);
}
END_TEST

START_TEST(sizing_with_decode_on_maps_nothing)
{
	struct bench *bench = bench_create();
	struct toy *toy = full_toy(bench, "a");

	toy_add(toy, -1, 0);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	ck_assert_uint_eq(bench->changes, 0); /* nothing has an address */
	toy_write(toy, BAR0, 4, WINDOW32 + 0x4000);
	bench_take(bench);
	toy_write(toy, BAR0, 4, UINT32_MAX);
	ck_assert_str_eq(bench_take(bench), "-a0 written:10/4=ffffffff ");
	ck_assert_uint_eq(toy_read(toy, BAR0, 4), 0xffffc000);
	toy_write(toy, BAR0, 4, WINDOW32 + 0x4000);
	ck_assert_str_eq(bench_take(bench), "written:10/4=c0004000 +a0@c0004000 ");
	toy_write(toy, BAR0, 4, 0);
	ck_assert_ptr_null(toy->slices[0].region.map);
	bench_destroy(bench);
}
END_TEST

START_TEST(sizes_and_kinds_are_checked)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a");

	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x3000), -EINVAL);
	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 8), -EINVAL);
	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 4 * GIB), -EINVAL);
	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_IO, 2), -EINVAL);
	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_ROM, 2048), -EINVAL);
	ck_assert_int_eq(toy_bar(toy, PCI_ROM_BAR, PCI_BAR_ROM, 1024), -EINVAL);
	ck_assert_int_eq(toy_bar(toy, PCI_ROM_BAR, PCI_BAR_MEM32, 4096), -EINVAL);
	ck_assert_int_eq(toy_bar(toy, 5, PCI_BAR_MEM64, 4096), -EINVAL);
	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_NONE, 0), -EINVAL);
	ck_assert_int_eq(toy_bar(toy, 2, PCI_BAR_MEM64, 4096), 0);
	ck_assert_int_eq(toy_bar(toy, 3, PCI_BAR_MEM32, 4096), -EINVAL);
	ck_assert_int_eq(toy_bar(toy, 1, PCI_BAR_MEM64, 4096), -EINVAL);
	toy->slices[0] = (struct pci_slice){.offset = 0x800, .region.size = 0x1000};
	ck_assert_int_eq(pci_device_set_bar(&toy->pci, 0,
					    (struct pci_bar){.kind = PCI_BAR_MEM32,
							     .size = 0x1000,
							     .slices = toy->slices,
							     .slice_count = 1}),
			 -EINVAL);
	toy_add(toy, -1, 0);
	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 4096), -EBUSY);
	bench_destroy(bench);
}
END_TEST

START_TEST(effects_come_in_order)
{
	struct bench *bench = bench_create();
	struct toy *toy = full_toy(bench, "a");

	toy_add(toy, -1, 0);
	toy_write(toy, BAR0, 4, WINDOW32);
	bench_take(bench);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_str_eq(bench_take(bench), "written:4/2=2 +a0@c0000000 ");
	toy_write(toy, BAR0, 4, WINDOW32 + 0x8000);
	ck_assert_str_eq(bench_take(bench), "-a0 written:10/4=c0008000 +a0@c0008000 ");
	toy_write(toy, BAR0, 4, WINDOW32 + 0x8000);
	ck_assert_str_eq(bench_take(bench), "written:10/4=c0008000 ");
	toy_write(toy, PCI_COMMAND, 2, 0);
	ck_assert_str_eq(bench_take(bench), "-a0 written:4/2=0 ");
	ck_assert_uint_eq(bench->changes, 4);
	bench_destroy(bench);
}
END_TEST

START_TEST(not_yet_leaves_everything)
{
	struct bench *bench = bench_create();
	struct toy *toy = full_toy(bench, "a");

	toy_add(toy, -1, 0);
	toy_write(toy, BAR0, 4, WINDOW32);
	bench_take(bench);
	toy->not_yet = true;
	ck_assert_int_eq(mem_map_write(bench->mmio, ECAM + (1 << 15) + PCI_COMMAND, 2,
				       PCI_COMMAND_MEMORY),
			 MEM_NOT_YET);
	ck_assert_uint_eq(toy_read(toy, PCI_COMMAND, 2), 0);
	ck_assert_str_eq(bench_take(bench), "");
	toy->not_yet = false;
	map_write(bench->mmio, ECAM + (1 << 15) + PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_str_eq(bench_take(bench), "written:4/2=2 +a0@c0000000 ");
	bench_destroy(bench);
}
END_TEST

START_TEST(command_counts_at_every_width)
{
	struct bench *bench = bench_create();
	struct toy *toy = full_toy(bench, "a");
	struct mem_region *memory = &toy->slices[0].region, *io = &toy->slices[1].region;

	toy_add(toy, -1, 0);
	toy_write(toy, BAR0, 4, WINDOW32);
	toy_write(toy, BAR1, 4, 0x2000);
	toy_write(toy, PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	ck_assert(memory->map == bench->mmio && !io->map);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_IO);
	ck_assert(!memory->map && io->map == bench->pio);
	ck_assert_uint_eq(map_read(bench->pio, 0x2004, 1), 1);
	toy_write(toy, PCI_COMMAND, 4, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	ck_assert(memory->map && io->map);
	ck_assert_uint_eq(map_read(bench->mmio, WINDOW32 + 8, 4), 0);
	toy_write(toy, PCI_COMMAND + 1, 1, 0); /* the upper half alone changes nothing */
	ck_assert(memory->map && io->map);
	toy_write(toy, PCI_COMMAND, 1, 0);
	ck_assert(!memory->map && !io->map);
	ck_assert_uint_eq(map_read(bench->mmio, WINDOW32 + 8, 4), UINT32_MAX);
	bench_destroy(bench);
}
END_TEST

START_TEST(a_64_bit_bar_moves_half_by_half)
{
	struct bench *bench = bench_create();
	struct toy *toy = full_toy(bench, "a");

	toy_add(toy, -1, 0);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	toy_write(toy, BAR2, 4, 0x20000);
	ck_assert_ptr_null(toy->slices[2].region.map); /* below every window */
	toy_write(toy, BAR3, 4, 8);
	ck_assert_uint_eq(toy->slices[2].region.base, WINDOW64 + 0x20000);
	ck_assert_uint_eq(pci_device_bar_address(&toy->pci, 2), WINDOW64 + 0x20000);
	ck_assert_uint_eq(map_read(bench->mmio, WINDOW64 + 0x2fffc, 4), 0x02020202);
	bench_take(bench);
	toy_write(toy, BAR2 + 2, 1, 0x05); /* a byte of it */
	ck_assert_str_eq(bench_take(bench), "-a2 written:1a/1=5 +a2@800050000 ");
	bench_destroy(bench);
}
END_TEST

START_TEST(two_bars_swap)
{
	struct bench *bench = bench_create();
	struct toy *a = full_toy(bench, "a"), *b = full_toy(bench, "b");

	toy_add(a, 1, 0);
	toy_add(b, 2, 0);
	toy_write(a, BAR0, 4, WINDOW32);
	toy_write(b, BAR0, 4, WINDOW32 + 0x4000);
	toy_write(a, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	toy_write(b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	bench_take(bench);
	toy_write(a, BAR0, 4, WINDOW32 + 0x4000);
	ck_assert_ptr_null(a->slices[0].region.map); /* b is in the way */
	ck_assert_ptr_nonnull(b->slices[0].region.map);
	toy_write(b, BAR0, 4, WINDOW32);
	ck_assert_uint_eq(a->slices[0].region.base, WINDOW32 + 0x4000);
	ck_assert_uint_eq(b->slices[0].region.base, WINDOW32);
	ck_assert(a->slices[0].region.map && b->slices[0].region.map);
	ck_assert_str_eq(bench_take(bench), "-a0 written:10/4=c0004000 "
					    "-b0 written:10/4=c0000000 +a0@c0004000 +b0@c0000000 ");
	bench_destroy(bench);
}
END_TEST

START_TEST(an_overlap_heals_at_the_next_write)
{
	struct bench *bench = bench_create();
	struct toy *a = full_toy(bench, "a"), *b = full_toy(bench, "b");

	toy_add(a, 1, 0);
	toy_add(b, 2, 0);
	toy_write(a, BAR0, 4, WINDOW32);
	toy_write(b, BAR0, 4, WINDOW32);
	toy_write(a, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	toy_write(b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert(a->slices[0].region.map && !b->slices[0].region.map);
	bench_take(bench);
	toy_write(a, PCI_INTERRUPT_LINE, 1, 3); /* no matter of decoding */
	ck_assert_ptr_null(b->slices[0].region.map);
	toy_write(a, PCI_COMMAND, 2, 0);
	ck_assert(!a->slices[0].region.map && b->slices[0].region.map);
	bench_destroy(bench);
}
END_TEST

START_TEST(out_of_the_window_is_left_out_until_put_right)
{
	struct bench *bench = bench_create();
	struct toy *toy = full_toy(bench, "a");
	static const uint32_t elsewhere[] = {0x10000000, ECAM, 0xfee00000, WINDOW32 - 0x4000};

	toy_add(toy, -1, 0);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++) {
		toy_write(toy, BAR0, 4, elsewhere[i]);
		ck_assert_ptr_null(toy->slices[0].region.map);
	}
	toy_write(toy, BAR1, 4, 0xcf8 & ~0x1f);
	ck_assert_ptr_null(toy->slices[1].region.map);
	toy_write(toy, BAR1, 4, 0x1000);
	toy_write(toy, BAR0, 4, WINDOW32 + 0x0fffc000);
	ck_assert(toy->slices[0].region.map && toy->slices[1].region.map);
	bench_destroy(bench);
}
END_TEST

START_TEST(the_rom_has_an_enable_of_its_own)
{
	struct bench *bench = bench_create();
	struct toy *toy = full_toy(bench, "a");

	toy_add(toy, -1, 0);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	toy_write(toy, PCI_ROM_ADDRESS, 4, WINDOW32 + 0x1000);
	ck_assert_ptr_null(toy->slices[PCI_ROM_BAR].region.map);
	toy_write(toy, PCI_ROM_ADDRESS, 1, PCI_ROM_ADDRESS_ENABLE);
	ck_assert_uint_eq(toy->slices[PCI_ROM_BAR].region.base, WINDOW32 + 0x1000);
	ck_assert_uint_eq(map_read(bench->mmio, WINDOW32 + 0x1000, 1), PCI_ROM_BAR);
	toy_write(toy, PCI_COMMAND, 2, 0);
	ck_assert_ptr_null(toy->slices[PCI_ROM_BAR].region.map);
	bench_destroy(bench);
}
END_TEST

START_TEST(nothing_decodes_outside_d0)
{
	struct bench *bench = bench_create();
	struct toy *toy = full_toy(bench, "a");
	unsigned int control = 0x40 + PCI_PM_CTRL;

	toy->pci.pm_capability = 0x40;
	toy->pci.write_mask[control] = PCI_PM_CTRL_STATE_MASK;
	toy_add(toy, -1, 0);
	toy_write(toy, BAR0, 4, WINDOW32);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	bench_take(bench);
	toy_write(toy, control, 2, 3);
	ck_assert_str_eq(bench_take(bench), "-a0 written:44/2=3 ");
	ck_assert(!pci_device_decodes(&toy->pci, PCI_BAR_MEM32));
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_null(toy->slices[0].region.map);
	toy_write(toy, control, 1, 0);
	ck_assert_str_eq(bench_take(bench), "written:4/2=2 written:44/1=0 +a0@c0000000 ");
	bench_destroy(bench);
}
END_TEST

START_TEST(unmap_holds_through_the_passes_of_others)
{
	struct bench *bench = bench_create();
	struct toy *a = full_toy(bench, "a"), *b = full_toy(bench, "b");

	toy_add(a, 1, 0);
	toy_add(b, 2, 0);
	toy_write(a, BAR0, 4, WINDOW32);
	toy_write(a, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	bench_take(bench);
	pci_host_lock(&a->pci);
	pci_device_unmap(&a->pci);
	pci_host_unlock(&a->pci);
	ck_assert_str_eq(bench_take(bench), "-a0 ");
	toy_write(b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_null(a->slices[0].region.map);
	bench_take(bench);
	toy_write(a, PCI_COMMAND, 2, 0);
	toy_write(a, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_null(a->slices[0].region.map);
	/* A reset ends it. */
	pci_host_reset(bench->host);
	bench_take(bench);
	toy_write(a, BAR0, 4, WINDOW32);
	toy_write(a, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_ptr_nonnull(strstr(bench_take(bench), "+a0@c0000000 "));
	bench_destroy(bench);
}
END_TEST

START_TEST(slices_lie_where_the_bar_puts_them)
{
	struct bench *bench = bench_create();
	struct toy *toy = toy_create(bench, "a");

	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x1000), 0);
	ck_assert_int_eq(toy_bar(toy, 1, PCI_BAR_MEM32, 0x1000), 0);
	toy->pci.bars[1].kind = PCI_BAR_NONE;
	toy->pci.bars[1].slice_count = 0;
	toy->slices[1].offset = 0x3000;
	ck_assert_int_eq(pci_device_set_bar(&toy->pci, 0,
					    (struct pci_bar){.kind = PCI_BAR_MEM32,
							     .size = 0x4000,
							     .slices = toy->slices,
							     .slice_count = 2}),
			 0);
	toy_add(toy, -1, 0);
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	bench_take(bench);
	toy_write(toy, BAR0, 4, WINDOW32 + 0x4000);
	ck_assert_str_eq(bench_take(bench), "written:10/4=c0004000 +a0@c0004000 +a1@c0007000 ");
	ck_assert_uint_eq(map_read(bench->mmio, WINDOW32 + 0x5000, 4), UINT32_MAX);
	ck_assert_uint_eq(map_read(bench->mmio, WINDOW32 + 0x7000, 4), 0x01010101);
	bench_destroy(bench);
}
END_TEST

/* A BAR of half a page that has a page to itself on the host. */
static struct toy *small_toy(struct bench *bench, const char *name)
{
	struct toy *toy = toy_create(bench, name);

	ck_assert_int_eq(toy_bar(toy, 0, PCI_BAR_MEM32, 0x800), 0);
	toy->pci.bars[0].page = 0x1000;
	toy_add(toy, -1, 0);
	return toy;
}

START_TEST(a_page_is_filled_only_by_a_bar_that_is_alone_in_it)
{
	struct bench *bench = bench_create();
	struct toy *a = small_toy(bench, "a"), *b = small_toy(bench, "b");
	const struct mem_region *first = &a->slices[0].region, *second = &b->slices[0].region;

	/* Assigned, each has a page. */
	ck_assert_int_eq(pci_host_assign(bench->host, NULL), 0);
	toy_write(a, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	toy_write(b, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(first->size, 0x1000);
	ck_assert_uint_eq(second->size, 0x1000);
	ck_assert_uint_eq(second->base & 0xfff, 0);
	/* The second moves into the page of the first: both are what they are. */
	toy_write(b, BAR0, 4, (uint32_t)first->base + 0x800);
	ck_assert_uint_eq(first->size, 0x800);
	ck_assert_uint_eq(second->size, 0x800);
	ck_assert_ptr_nonnull(first->map);
	ck_assert_ptr_nonnull(second->map);
	/* It stops decoding: the page is the first's again. */
	toy_write(b, PCI_COMMAND, 2, 0);
	ck_assert_uint_eq(first->size, 0x1000);
	/* Not at the start of a page it cannot fill one. */
	toy_write(a, BAR0, 4, WINDOW32 + 0x5800);
	ck_assert_uint_eq(first->size, 0x800);
	bench_destroy(bench);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, sizing_shows_size_and_type);
	tcase_add_test(tests, sizing_with_decode_on_maps_nothing);
	tcase_add_test(tests, sizes_and_kinds_are_checked);
	tcase_add_test(tests, effects_come_in_order);
	tcase_add_test(tests, not_yet_leaves_everything);
	tcase_add_test(tests, command_counts_at_every_width);
	tcase_add_test(tests, a_64_bit_bar_moves_half_by_half);
	tcase_add_test(tests, two_bars_swap);
	tcase_add_test(tests, an_overlap_heals_at_the_next_write);
	tcase_add_test(tests, out_of_the_window_is_left_out_until_put_right);
	tcase_add_test(tests, the_rom_has_an_enable_of_its_own);
	tcase_add_test(tests, nothing_decodes_outside_d0);
	tcase_add_test(tests, unmap_holds_through_the_passes_of_others);
	tcase_add_test(tests, slices_lie_where_the_bar_puts_them);
	tcase_add_test(tests, a_page_is_filled_only_by_a_bar_that_is_alone_in_it);
}

int main(void)
{
	return run_suite("pci bar", add_tests);
}
