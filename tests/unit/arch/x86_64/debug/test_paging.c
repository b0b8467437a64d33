/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page walks in every mode over tables built in a small memory: addresses, rights, refusals, steps.
 */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "arch/x86_64/debug/paging.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

enum {
	MEMORY_SIZE = 64 * 1024,
	P = 1,
	W = 2,
	U = 4,
	PS = 0x80,
	TOP = 0x1000, /* the table that CR3 names */
	SECOND = 0x2000,
	THIRD = 0x3000,
	FOURTH = 0x4000,
	FIFTH = 0x5000,
};

#define CR0_PG   UINT64_C(0x80000001)
#define CR4_PSE  UINT64_C(0x10)
#define CR4_PAE  UINT64_C(0x20)
#define CR4_LA57 UINT64_C(0x1000)
#define LMA      UINT64_C(0x500)
#define NXE      UINT64_C(0x800)
#define NX       (UINT64_C(1) << 63)
#define HIGH     UINT64_C(0xffff800000000000)

static uint8_t memory[MEMORY_SIZE];
static unsigned int reads;
static struct x86_paging paging;
static struct arch_translation found;
static char steps[4096];

static int read_memory(const void *bytes, uint64_t gpa, unsigned int size, uint64_t *value)
{
	ck_assert(is_aligned(gpa, size));
	reads++;
	if (!range_fits(gpa, size, MEMORY_SIZE))
		return -EFAULT;
	*value = load_le((const uint8_t *)bytes + gpa, size);
	return 0;
}

static void set_up(void)
{
	memset(memory, 0, sizeof(memory));
	paging = (struct x86_paging){.cr0 = CR0_PG,
				     .cr3 = TOP,
				     .cr4 = CR4_PAE,
				     .efer = LMA | NXE,
				     .physical_bits = 40,
				     .read = read_memory,
				     .memory = memory};
	reads = 0;
}

static void put(uint64_t table, unsigned int index, uint64_t entry)
{
	store_le64(memory + table + 8 * index, entry);
}

static void put32(uint64_t table, unsigned int index, uint32_t entry)
{
	store_le32(memory + table + 4 * index, entry);
}

static int walk(uint64_t address)
{
	struct text text = {steps, sizeof(steps)};

	steps[0] = '\0';
	return paging_walk(&paging, address, &found, &text);
}

static void is_at(uint64_t address, uint64_t gpa, uint64_t page_size)
{
	ck_assert_msg(walk(address) == 0, "0x%llx: %s", (unsigned long long)address, steps);
	ck_assert_uint_eq(found.gpa, gpa);
	ck_assert_uint_eq(found.page_size, page_size);
}

static void is_nowhere(uint64_t address, const char *why)
{
	ck_assert_int_eq(walk(address), -EFAULT);
	ck_assert_msg(strstr(steps, why), "no '%s' in:\n%s", why, steps);
}

static void has_rights(bool writable, bool user, bool executable)
{
	ck_assert_int_eq(found.writable, writable);
	ck_assert_int_eq(found.user, user);
	ck_assert_int_eq(found.executable, executable);
}

START_TEST(without_paging)
{
	paging.cr0 = 1;
	is_at(0x12345678, 0x12345678, UINT64_MAX);
	has_rights(true, true, true);
	is_at(0xffffffff, 0xffffffff, UINT64_MAX);
	is_nowhere(UINT64_C(0x100000000), "32 bits");
	ck_assert_uint_eq(reads, 0);
}
END_TEST

START_TEST(four_levels)
{
	put(TOP, 256, SECOND | P | W | U);
	put(SECOND, 1, THIRD | P | W | U);
	put(THIRD, 2, FOURTH | P | W | U);
	put(FOURTH, 3, UINT64_C(0x12345000) | P | W | U);
	is_at(HIGH | 0x40403abc, 0x12345abc, 0x1000);
	has_rights(true, true, true);
	ck_assert_uint_eq(reads, 4);
	ck_assert_str_eq(steps, "PML4E 256 at 0x1800: 0x0000000000002007 present writable user\n"
				"PDPTE 1 at 0x2008: 0x0000000000003007 present writable user\n"
				"PDE 2 at 0x3010: 0x0000000000004007 present writable user\n"
				"PTE 3 at 0x4018: 0x0000000012345007 present writable user\n");
	is_nowhere(HIGH | 0x40404abc, "PTE 4 at 0x4020: 0x0000000000000000\nnot present\n");
	is_nowhere(HIGH | 0x40603abc, "PDE 3");
	is_nowhere(HIGH | 0x80403abc, "PDPTE 2");
	is_nowhere(0x40403abc, "PML4E 0");
	ck_assert_int_eq(paging_walk(&paging, HIGH | 0x40403abc, &found, NULL), 0);
	ck_assert_int_eq(paging_walk(&paging, 0, &found, NULL), -EFAULT);
	paging.cr3 |= 0x18 | UINT64_C(1) << 62; /* cache control, LAM */
	is_at(HIGH | 0x40403abc, 0x12345abc, 0x1000);
}
END_TEST

START_TEST(five_levels)
{
	paging.cr4 |= CR4_LA57;
	put(TOP, 511, SECOND | P | W);
	put(SECOND, 511, THIRD | P | W);
	put(THIRD, 510, FOURTH | P | W);
	put(FOURTH, 8, FIFTH | P | W);
	put(FIFTH, 0, 0x77000 | P);
	is_at(UINT64_C(0xffffffff81000010), 0x77010, 0x1000);
	has_rights(false, false, true);
	ck_assert_ptr_nonnull(strstr(steps, "PML5E 511 at 0x1ff8"));
	ck_assert_uint_eq(reads, 5);
	is_nowhere(UINT64_C(0x01ffffff81000010), "not canonical");
	is_nowhere(UINT64_C(0x00ffffff81000010), "PML5E 255");
}
END_TEST

START_TEST(addresses_that_are_not_canonical)
{
	is_nowhere(UINT64_C(0x800000000000), "not canonical");
	is_nowhere(UINT64_C(0xffff7fffffffffff), "not canonical");
	ck_assert_uint_eq(reads, 0);
	is_nowhere(UINT64_C(0x7fffffffffff), "PML4E 255");
	is_nowhere(HIGH, "PML4E 256");
}
END_TEST

START_TEST(large_pages)
{
	put(TOP, 0, SECOND | P | W | U);
	put(SECOND, 0, THIRD | P | W | U);
	put(SECOND, 1, UINT64_C(0x240000000) | P | W | PS);
	put(THIRD, 1, UINT64_C(0x12200000) | P | U | PS | 0x1000);
	is_at(0x7abcdef0, UINT64_C(0x27abcdef0), GIB);
	has_rights(true, false, true);
	is_at(0x200000 + 0x123456, 0x12200000 + 0x123456, 2 * MIB);
	has_rights(false, true, true);
	put(THIRD, 1, UINT64_C(0x12300000) | P | U | PS);
	is_nowhere(0x200000, "reserved bits are set: 0x100000");
	put(SECOND, 1, UINT64_C(0x240200000) | P | W | PS);
	is_nowhere(0x40000000, "reserved bits are set: 0x200000");
	put(TOP, 0, SECOND | P | W | PS);
	is_nowhere(
		0,
		"PML4E 0 at 0x1000: 0x0000000000002083 present writable\nreserved bits are set: 0x80\n");
}
END_TEST

START_TEST(rights_are_those_of_all_levels)
{
	static const uint64_t tables[] = {TOP, SECOND, THIRD, FOURTH, 0x9000};

	for (unsigned int level = 0; level < 4; level++) {
		for (unsigned int i = 0; i < 4; i++)
			put(tables[i], 0, tables[i + 1] | P | W | U);
		put(tables[level], 0, tables[level + 1] | P | U);
		is_at(0x10, 0x9010, 0x1000);
		has_rights(false, true, true);
		put(tables[level], 0, tables[level + 1] | P | W);
		is_at(0x10, 0x9010, 0x1000);
		has_rights(true, false, true);
		put(tables[level], 0, tables[level + 1] | P | W | U | NX);
		is_at(0x10, 0x9010, 0x1000);
		has_rights(true, true, false);
		ck_assert_ptr_nonnull(strstr(steps, "no-execute"));
		paging.efer = LMA;
		is_nowhere(0x10, "reserved bits are set: 0x8000000000000000");
		paging.efer = LMA | NXE;
	}
}
END_TEST

START_TEST(entries_that_lead_out_of_memory)
{
	put(TOP, 0, UINT64_C(0x70000000) | P);
	is_nowhere(0x5000, "PDPTE 0 at 0x70000000: there is no memory\n");
	put(TOP, 0, UINT64_C(1) << 40 | P);
	is_nowhere(0x5000, "reserved bits are set: 0x10000000000");
	paging.cr3 = 0x7000000;
	is_nowhere(0, "PML4E 0 at 0x7000000: there is no memory\n");
	paging.cr3 = UINT64_MAX;
	is_nowhere(UINT64_MAX, "there is no memory\n");
	paging.physical_bits = 52;
	is_nowhere(UINT64_MAX, "PML4E 511 at 0xffffffffffff8: there is no memory\n");
}
END_TEST

START_TEST(thirty_two_bits)
{
	paging.cr4 = 0;
	paging.efer = 0;
	put32(TOP, 768, SECOND | P | W | U);
	put32(SECOND, 5, 0x6000 | P | W);
	put32(TOP, 1, 0x2000 | P | PS); /* without PSE it is a table */
	put32(SECOND, 0, 0x9000 | P | W);
	is_at(0xc0005123, 0x6123, 0x1000);
	has_rights(true, false, true);
	ck_assert_str_eq(steps, "PDE 768 at 0x1c00: 0x00002007 present writable user\n"
				"PTE 5 at 0x2014: 0x00006003 present writable\n");
	is_at(0x400123, 0x9123, 0x1000);
	is_nowhere(0xc0006123, "not present");
	is_nowhere(UINT64_C(0x1c0005123), "32 bits");
	is_nowhere(UINT64_MAX, "32 bits");
	paging.cr4 = CR4_PSE;
	put32(TOP, 2, 0x00c00000 | P | PS | W | U | 0x92 << 13);
	is_at(0x800000 + 0x234567, UINT64_C(0x9200c00000) + 0x234567, 4 * MIB);
	put32(TOP, 2, 0x00e00000 | P | PS);
	is_nowhere(0x800000, "reserved bits are set: 0x200000");
	paging.physical_bits = 36;
	put32(TOP, 2, 0x00c00000 | P | PS | 0xf << 13);
	is_at(0x800000, UINT64_C(0xf00c00000), 4 * MIB);
	put32(TOP, 2, 0x00c00000 | P | PS | 0x92 << 13);
	is_nowhere(0x800000, "reserved bits are set: 0x120000");
	paging.physical_bits = 52;
	is_at(0x800000, UINT64_C(0x9200c00000), 4 * MIB);
}
END_TEST

START_TEST(physical_address_extension)
{
	paging.cr3 = TOP + 0x58; /* four entries, at a multiple of 32 bytes; cache control */
	paging.efer = NXE;
	put(TOP + 0x40, 3, SECOND | P);
	put(SECOND, 1, THIRD | P | W | U);
	put(SECOND, 2, UINT64_C(0x3fe00000) | P | W | PS | NX);
	put(THIRD, 511, UINT64_C(0x8000000000) | P | W | U);
	is_at(0xc03ff123, UINT64_C(0x8000000123), 0x1000);
	has_rights(true, true, true);
	ck_assert_ptr_nonnull(strstr(steps, "PDPTE 3 at 0x1058: 0x0000000000002001 present\n"));
	is_at(0xc0412345, 0x3fe12345, 2 * MIB);
	has_rights(true, false, false);
	put(TOP + 0x40, 2, SECOND | P | W);
	is_nowhere(0x80000000, "reserved bits are set: 0x2");
	put(TOP + 0x40, 2, SECOND | P | NX);
	is_nowhere(0x80000000, "reserved bits are set: 0x8000000000000000");
	is_nowhere(UINT64_C(0x100000000), "32 bits");
}
END_TEST

static void finds(uint64_t first, uint64_t last, uint64_t address, uint64_t gpa)
{
	uint64_t at;

	ck_assert_int_eq(paging_find(&paging, first, last, &at, &found), 0);
	ck_assert_uint_eq(at, address);
	ck_assert_uint_eq(found.gpa, gpa);
}

START_TEST(the_lowest_that_is_mapped)
{
	const uint64_t base = UINT64_C(0xffffffff80000000);
	uint64_t at;

	put(TOP, 511, SECOND | P | W);
	ck_assert_int_eq(paging_find(&paging, base, UINT64_MAX, &at, &found), -EFAULT);
	ck_assert_uint_le(reads, 5);
	put(SECOND, 510, THIRD | P | W);
	put(THIRD, 20, FOURTH | P | W);
	put(THIRD, 21, UINT64_C(0x1600000) | P | PS);
	put(FOURTH, 511, 0x15ff000 | P);
	finds(base, UINT64_MAX, base + 21 * 2 * MIB - 0x1000, 0x15ff000);
	finds(base + 21 * 2 * MIB - 1, UINT64_MAX, base + 21 * 2 * MIB - 1, 0x15fffff);
	finds(base + 21 * 2 * MIB + 5, UINT64_MAX, base + 21 * 2 * MIB + 5, 0x1600005);
	finds(HIGH, UINT64_MAX, base + 21 * 2 * MIB - 0x1000, 0x15ff000);
	finds(base, base + 21 * 2 * MIB - 0x1000, base + 21 * 2 * MIB - 0x1000, 0x15ff000);
	ck_assert_int_eq(paging_find(&paging, base, base + 21 * 2 * MIB - 0x1001, &at, &found),
			 -EFAULT);
	ck_assert_int_eq(paging_find(&paging, base + 22 * 2 * MIB, UINT64_MAX, &at, &found),
			 -EFAULT);
	paging.cr3 = MEMORY_SIZE;
	ck_assert_int_eq(paging_find(&paging, base, UINT64_MAX, &at, &found), -EFAULT);
	ck_assert_int_eq(paging_find(&paging, UINT64_C(1) << 60, UINT64_MAX, &at, &found), -EFAULT);
}
END_TEST

/* Whatever the tables hold, the walk ends and reads only what it may. */
START_TEST(tables_of_noise)
{
	static const struct {
		uint64_t cr4, efer;
	} modes[] = {{0, 0},
		     {CR4_PSE, 0},
		     {CR4_PAE, NXE},
		     {CR4_PAE, LMA | NXE},
		     {CR4_PAE | CR4_LA57, LMA | NXE}};
	unsigned int mapped = 0;

	srand(1);
	for (size_t i = 0; i < MEMORY_SIZE; i += 8)
		store_le64(memory + i, ((uint64_t)rand() % MEMORY_SIZE) | P);
	for (size_t mode = 0; mode < ARRAY_SIZE(modes); mode++)
		for (unsigned int i = 0; i < 2000; i++) {
			uint64_t address = (uint64_t)rand() << 16 ^ (uint64_t)rand();

			paging.cr4 = modes[mode].cr4;
			paging.efer = modes[mode].efer;
			reads = 0;
			if (walk(address) == 0)
				mapped++;
			ck_assert_uint_le(reads, 5);
		}
	ck_assert_uint_gt(mapped, 100);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_test(tests, without_paging);
	tcase_add_test(tests, four_levels);
	tcase_add_test(tests, five_levels);
	tcase_add_test(tests, addresses_that_are_not_canonical);
	tcase_add_test(tests, large_pages);
	tcase_add_test(tests, rights_are_those_of_all_levels);
	tcase_add_test(tests, entries_that_lead_out_of_memory);
	tcase_add_test(tests, thirty_two_bits);
	tcase_add_test(tests, physical_address_extension);
	tcase_add_test(tests, the_lowest_that_is_mapped);
	tcase_add_test(tests, tables_of_noise);
}

int main(void)
{
	return run_suite("paging", add_tests);
}
