/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks of arm64 page tables: page sizes, halves, blocks, 52 bits, rights, wrong tables. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "arch/aarch64/debug/paging.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

#define M        (UINT64_C(1) << 0)
#define WXN      (UINT64_C(1) << 19)
#define EE       (UINT64_C(1) << 25)
#define TG0_64K  (UINT64_C(1) << 14)
#define TG0_16K  (UINT64_C(2) << 14)
#define TG1_16K  (UINT64_C(1) << 30)
#define TG1_4K   (UINT64_C(2) << 30)
#define TG1_64K  (UINT64_C(3) << 30)
#define IPS(n)   ((uint64_t)(n) << 32)
#define T0SZ(n)  ((uint64_t)(n))
#define T1SZ(n)  ((uint64_t)(n) << 16)
#define TBI0     (UINT64_C(1) << 37)
#define TBI1     (UINT64_C(1) << 38)
#define HA       (UINT64_C(1) << 39)
#define HD       (UINT64_C(1) << 40)
#define HPD0     (UINT64_C(1) << 41)
#define DS       (UINT64_C(1) << 59)
#define EPD1     (UINT64_C(1) << 23)
#define TABLE    UINT64_C(3)
#define PAGE     UINT64_C(0x403)
#define BLOCK    UINT64_C(0x401)
#define USER     UINT64_C(0x40)
#define READONLY UINT64_C(0x80)
#define DBM      (UINT64_C(1) << 51)
#define PXN      (UINT64_C(1) << 53)
#define UXN      (UINT64_C(1) << 54)

enum { ENTRIES_MAX = 8 };

static struct {
	uint64_t gpa, value;
} entries[ENTRIES_MAX];
static size_t entry_count;
static struct paging paging;
static struct arch_translation found;
static char steps_text[1024];

static bool read_entry(void *memory, uint64_t gpa, uint64_t *value)
{
	ck_assert_ptr_eq(memory, entries);
	ck_assert(gpa % 8 == 0);
	for (size_t i = 0; i < entry_count; i++) {
		if (entries[i].gpa == gpa) {
			*value = entries[i].value;
			return true;
		}
	}
	return false;
}

static void put(uint64_t gpa, uint64_t value)
{
	ck_assert_uint_lt(entry_count, ENTRIES_MAX);
	entries[entry_count].gpa = gpa;
	entries[entry_count++].value = value;
}

static void begin(uint64_t tcr)
{
	entry_count = 0;
	paging = (struct paging){
		.sctlr = M,
		.tcr = tcr,
		.ttbr0 = UINT64_C(0xabcd000000000001) | 0x10000, /* with an ASID and CnP */
		.ttbr1 = 0x20000,
		.mmfr0 = 5,
		.read = read_entry,
		.memory = entries,
	};
}

static int walk(uint64_t address)
{
	struct text steps = {steps_text, sizeof(steps_text)};

	steps_text[0] = '\0';
	return paging_walk(&paging, address, &found, &steps);
}

/* The tables of Linux with 4 KiB pages and 48 bits, for one kernel page. */
static void begin_kernel(uint64_t page)
{
	begin(IPS(5) | TG1_4K | T1SZ(16) | T0SZ(16));
	put(0x20000 + 8 * 0x100, 0x30000 | TABLE); /* 0xffff8... */
	put(0x30000, 0x31000 | TABLE);
	put(0x31000 + 8 * 0x40, 0x32000 | TABLE);
	put(0x32000 + 8 * 0x11, page);
}

#define KERNEL UINT64_C(0xffff800008011000)

START_TEST(a_kernel_page_is_found_by_four_levels)
{
	begin_kernel(0x45678000 | PAGE | UXN);
	ck_assert_int_eq(walk(KERNEL + 0x123), 0);
	ck_assert_uint_eq(found.gpa, 0x45678123);
	ck_assert_uint_eq(found.page_size, 4096);
	ck_assert(found.writable && !found.user && found.executable);
	ck_assert_str_eq(steps_text, "level 0: 0x0000000000030003 at 0x20800\n"
				     "level 1: 0x0000000000031003 at 0x30000\n"
				     "level 2: 0x0000000000032003 at 0x31200\n"
				     "level 3: 0x0040000045678403 at 0x32088\n");
	/* Without a place for them. */
	ck_assert_int_eq(paging_walk(&paging, KERNEL, &found, NULL), 0);
}
END_TEST

START_TEST(without_paging_an_address_is_physical)
{
	begin(0);
	paging.sctlr = 0;
	ck_assert_int_eq(walk(0x40200000), 0);
	ck_assert_uint_eq(found.gpa, 0x40200000);
	ck_assert_uint_eq(found.page_size, UINT64_MAX);
	ck_assert(found.writable && found.user && found.executable);
	ck_assert_int_eq(walk(UINT64_C(1) << 48), -EFAULT);
	ck_assert_int_eq(walk(UINT64_C(0xab00000040200000)), -EFAULT);
	paging.tcr = TBI0;
	ck_assert_int_eq(walk(UINT64_C(0xab00000040200000)), 0);
	ck_assert_uint_eq(found.gpa, 0x40200000);
}
END_TEST

/*
 * Each a page or block at the end of its tables, which lie at 0x10000 (TTBR0) or 0x20000 (TTBR1).
 */
static const struct geometry {
	const char *what;
	uint64_t tcr;
	uint64_t mmfr0;
	uint64_t ttbr; /* 0: as usual */
	uint64_t address;
	struct {
		uint64_t gpa, value;
	} entries[5];
	uint64_t gpa, page_size;
} geometries[] = {
	{"4 KiB, 39 bits: from level 1",
	 IPS(5) | T0SZ(25),
	 5,
	 0,
	 0x4012345678,
	 {{0x10000 + 8 * 0x100, 0x30000 | TABLE},
	  {0x30000 + 8 * 0x91, 0x31000 | TABLE},
	  {0x31000 + 8 * 0x145, 0x777000 | PAGE}},
	 0x777678,
	 0x1000},
	{"4 KiB, a block of 2 MiB",
	 IPS(5) | TG1_4K | T1SZ(25),
	 5,
	 0,
	 0xffffffc000000000 | 0x345678,
	 {{0x20000 + 8 * 0x100, 0x30000 | TABLE}, {0x30000 + 8, 0x40000000 | BLOCK}},
	 0x40000000 | 0x145678,
	 2 * MIB},
	{"4 KiB, a block of 1 GiB, whose lower bits do not count",
	 IPS(5) | T0SZ(25),
	 5,
	 0,
	 0x12345678,
	 {{0x10000, 0x80001000 | BLOCK}},
	 0x80000000 | 0x12345678,
	 GIB},
	{"4 KiB, 16 bits (FEAT_TTST): a table of 16 entries, aligned to so much",
	 IPS(5) | T0SZ(48),
	 5,
	 0x10080,
	 0x5678,
	 {{0x10080 + 8 * 5, 0x777000 | PAGE}},
	 0x777678,
	 0x1000},
	{"16 KiB, 47 bits: from level 1",
	 IPS(5) | TG1_16K | T1SZ(17),
	 5,
	 0,
	 0xffff800012345678,
	 {{0x20000, 0x30000 | TABLE},
	  {0x30000 + 8 * 9, 0x34000 | TABLE},
	  {0x34000 + 8 * 0xd1, 0x778000 | PAGE}},
	 0x778000 | 0x1678,
	 0x4000},
	{"16 KiB, 48 bits: two entries at level 0, and a block of 32 MiB",
	 IPS(5) | TG0_16K | T0SZ(16),
	 5,
	 0x10010,
	 0x800012345678,
	 {{0x10018, 0x30000 | TABLE},
	  {0x30000, 0x34000 | TABLE},
	  {0x34000 + 8 * 9, 0x42000000 | BLOCK}},
	 0x42000000 | 0x345678,
	 32 * MIB},
	{"64 KiB, 42 bits: from level 2",
	 IPS(5) | TG1_64K | T1SZ(22),
	 5,
	 0,
	 0xfffffc0012345678,
	 {{0x20000, 0x30000 | TABLE}, {0x30000 + 8 * 0x1234, 0x770000 | PAGE}},
	 0x775678,
	 0x10000},
	{"64 KiB, a block of 512 MiB",
	 IPS(5) | TG0_64K | T0SZ(22),
	 5,
	 0,
	 0x32345678,
	 {{0x10008, 0x60000000 | BLOCK}},
	 0x60000000 | 0x12345678,
	 512 * MIB},
	{"64 KiB, 52 bits of address: TTBR and entries have the upper bits elsewhere",
	 IPS(6) | TG1_64K | T1SZ(12),
	 6,
	 0x20000 | 0x3 << 2,
	 0xfff8000012345678,
	 {{0x3000000020000 + 8 * 0x200, 0x30000 | 0x2000 | TABLE},
	  {0x2000000030000, 0x50000 | 0xf000 | TABLE},
	  {0xf000000050000 + 8 * 0x1234, 0x770000 | 0x5000 | PAGE}},
	 0x5000000775678,
	 0x10000},
	{"64 KiB, a block of 4 TiB (FEAT_LPA)",
	 IPS(6) | TG0_64K | T0SZ(12),
	 6,
	 0,
	 0x4800012345678,
	 {{0x10000 + 8 * 0x120, 0x1000 | UINT64_C(0x40000000000) | BLOCK}},
	 0x1040012345678,
	 4096 * GIB},
	{"4 KiB, 52 bits (TCR.DS): from level -1",
	 IPS(6) | TG1_4K | T1SZ(12) | DS,
	 6,
	 0x20000 | 0x1 << 2,
	 0xfff0000012345678,
	 {{0x1000000020000, 0x30000 | 0x300 | TABLE},
	  {0xc000000030000, 0x31000 | TABLE},
	  {0x31000, 0x32000 | TABLE},
	  {0x32000 + 8 * 0x91, 0x33000 | TABLE},
	  {0x33000 + 8 * 0x145, UINT64_C(0x3000000777000) | 0x100 | PAGE}},
	 0x7000000777678,
	 0x1000},
	{"16 KiB, 52 bits (TCR.DS): from level 0",
	 IPS(6) | TG0_16K | T0SZ(12) | DS,
	 6,
	 0,
	 0x800012345678,
	 {{0x10008, 0x30000 | TABLE},
	  {0x30000, 0x34000 | TABLE},
	  {0x34000 + 8 * 9, 0x38000 | TABLE},
	  {0x38000 + 8 * 0xd1, 0x778000 | 0x200 | PAGE}},
	 0x8000000779678,
	 0x4000},
};

START_TEST(every_page_size_and_address_size)
{
	const struct geometry *geometry = &geometries[_i];
	int rc;

	begin(geometry->tcr);
	paging.mmfr0 = geometry->mmfr0;
	if (geometry->ttbr != 0)
		paging.ttbr0 = paging.ttbr1 = geometry->ttbr;
	for (size_t i = 0; i < ARRAY_SIZE(geometry->entries); i++)
		if (geometry->entries[i].value != 0)
			put(geometry->entries[i].gpa, geometry->entries[i].value);
	rc = walk(geometry->address);
	ck_assert_msg(rc == 0, "%s: %s", geometry->what, steps_text);
	ck_assert_msg(found.gpa == geometry->gpa && found.page_size == geometry->page_size,
		      "%s: %llx of %llx", geometry->what, (unsigned long long)found.gpa,
		      (unsigned long long)found.page_size);
}
END_TEST

static void expect_fault(uint64_t address, const char *reason)
{
	ck_assert_int_eq(walk(address), -EFAULT);
	ck_assert_msg(strstr(steps_text, reason), "%s", steps_text);
}

START_TEST(what_is_not_mapped_is_told)
{
	begin_kernel(0x45678000 | PAGE);
	expect_fault(KERNEL + 0x1000, "level 3: no memory at 0x32090\n");
	put(0x32090, 0x45679000 | (PAGE & ~UINT64_C(1)));
	expect_fault(KERNEL + 0x1000, "level 3: 0x0000000045679402 at 0x32090\nnot valid\n");
	entries[entry_count - 1].value = 0x45679000 | BLOCK;
	expect_fault(KERNEL + 0x1000, "a kind of entry that this level does not have");
	/* Blocks of 512 GiB are of TCR.DS. */
	entries[0].value = BLOCK;
	expect_fault(KERNEL, "a kind of entry that this level does not have");
	paging.tcr |= EPD1;
	expect_fault(KERNEL, "EPD1");
}
END_TEST

START_TEST(addresses_between_the_halves_are_refused)
{
	begin_kernel(0x45678000 | PAGE);
	expect_fault(UINT64_C(0xfffe800008011000), "neither half");
	expect_fault(UINT64_C(0x7fff800008011000), "neither half");
	expect_fault(UINT64_C(0x0001000000000000), "neither half");
	/* A tag does not count where the top byte is ignored. */
	expect_fault(UINT64_C(0xabff800008011000), "neither half");
	paging.tcr |= TBI1;
	ck_assert_int_eq(walk(UINT64_C(0xabff800008011000)), 0);
	ck_assert_uint_eq(found.gpa, 0x45678000);
	expect_fault(UINT64_C(0xabfe800008011000), "neither half");
}
END_TEST

START_TEST(nonsense_in_tcr_is_refused)
{
	begin(IPS(5) | (UINT64_C(3) << 14) | T0SZ(16));
	expect_fault(0, "page size");
	begin(IPS(5) | T0SZ(15));
	expect_fault(0, "out of range");
	begin(IPS(5) | T0SZ(49));
	expect_fault(0, "out of range");
	begin(IPS(5) | T0SZ(63));
	expect_fault(0, "out of range");
	begin(IPS(5));
	expect_fault(0, "out of range");
	begin(IPS(5) | TG0_64K | T0SZ(48));
	expect_fault(0, "out of range");
	begin(IPS(5) | TG0_64K | T0SZ(11));
	expect_fault(0, "out of range");
	begin(IPS(5) | T0SZ(16)); /* TG1 0 */
	expect_fault(UINT64_MAX, "page size");
}
END_TEST

START_TEST(an_address_beyond_the_output_size_is_refused)
{
	begin_kernel((UINT64_C(1) << 40) | PAGE);
	paging.tcr &= ~IPS(7);
	paging.tcr |= IPS(2); /* 40 bits */
	expect_fault(KERNEL, "more bits");
	paging.tcr |= IPS(3);
	ck_assert_int_eq(walk(KERNEL), 0);
	paging.mmfr0 = 2; /* not more than the processor has */
	expect_fault(KERNEL, "more bits");
	entries[1].value = (UINT64_C(1) << 40) | TABLE;
	expect_fault(KERNEL, "more bits");
}
END_TEST

START_TEST(rights_come_from_the_page_and_the_tables)
{
	static const struct {
		uint64_t table, page, sctlr, tcr;
		bool writable, user, executable;
	} cases[] = {
		{0, UXN, 0, 0, true, false, true},
		{0, UXN | PXN, 0, 0, true, false, false},
		{0, READONLY | USER | PXN, 0, 0, false, true, true},
		{0, READONLY, WXN, 0, false, false, true},
		{0, UXN, WXN, 0, true, false, false},
		/* What EL0 may write EL1 may not run. */
		{0, USER | UXN, 0, 0, true, true, false},
		{0, USER, 0, 0, true, true, true},
		{0, USER, WXN, 0, true, true, false},
		{0, READONLY | DBM, 0, 0, false, false, true},
		{0, READONLY | DBM, 0, HD, false, false, true},
		{0, READONLY | DBM | UXN | PXN, 0, HA | HD, true, false, false},
		/* Hierarchical: XNTable, PXNTable, APTable. */
		{UINT64_C(1) << 60, PXN | USER, 0, 0, true, true, false},
		{UINT64_C(1) << 59, UXN, 0, 0, true, false, false},
		{UINT64_C(1) << 61, USER | UXN, 0, 0, true, false, true},
		{UINT64_C(1) << 62, 0, 0, 0, false, false, true},
		{UINT64_C(0xf) << 59, USER, 0, HPD0, true, true, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin(IPS(5) | T0SZ(34) | cases[i].tcr);
		paging.sctlr |= cases[i].sctlr;
		put(0x10000, 0x30000 | TABLE | cases[i].table);
		put(0x30000, 0x31000 | PAGE | cases[i].page);
		ck_assert_int_eq(walk(0), 0);
		ck_assert_msg(found.writable == cases[i].writable && found.user == cases[i].user &&
				      found.executable == cases[i].executable,
			      "case %zu: %d %d %d", i, found.writable, found.user,
			      found.executable);
	}
}
END_TEST

START_TEST(a_page_not_accessed_yet_is_there)
{
	begin_kernel((0x45678000 | PAGE) & ~UINT64_C(0x400));
	ck_assert_int_eq(walk(KERNEL), 0);
	ck_assert_ptr_nonnull(strstr(steps_text, "accessed flag"));
	paging.tcr |= HA;
	ck_assert_int_eq(walk(KERNEL), 0);
	ck_assert_ptr_null(strstr(steps_text, "accessed flag"));
}
END_TEST

START_TEST(tables_may_be_big_endian)
{
	begin_kernel(0x45678000 | PAGE);
	for (size_t i = 0; i < entry_count; i++)
		entries[i].value = __builtin_bswap64(entries[i].value);
	expect_fault(KERNEL, "not valid");
	paging.sctlr |= EE;
	ck_assert_int_eq(walk(KERNEL), 0);
	ck_assert_uint_eq(found.gpa, 0x45678000);
}
END_TEST

START_TEST(signatures_take_what_an_address_leaves)
{
	const uint64_t tbid0 = UINT64_C(1) << 51;

	/* As Linux has it: the top byte of user programs' data is ignored, the kernel's is not. */
	ck_assert_uint_eq(paging_signature_mask(T0SZ(16) | TBI0, false, false), 0x007f000000000000);
	ck_assert_uint_eq(paging_signature_mask(T0SZ(16) | TBI0 | tbid0, false, false),
			  0x007f000000000000);
	ck_assert_uint_eq(paging_signature_mask(T0SZ(16) | TBI0 | tbid0, false, true),
			  0xff7f000000000000);
	ck_assert_uint_eq(paging_signature_mask(T1SZ(25), true, true), 0xff7fff8000000000);
	ck_assert_uint_eq(paging_signature_mask(T1SZ(12) | TBI1, true, true), 0x0070000000000000);
	ck_assert_uint_eq(paging_signature_mask(TBI0 | TBI1, true, true), 0);
	ck_assert_uint_eq(paging_canonical(0xab7f800008011000), 0x007f800008011000);
	ck_assert_uint_eq(paging_canonical(0x00ff800008011000), 0xffff800008011000);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_kernel_page_is_found_by_four_levels);
	tcase_add_test(tests, without_paging_an_address_is_physical);
	tcase_add_loop_test(tests, every_page_size_and_address_size, 0,
			    (int)ARRAY_SIZE(geometries));
	tcase_add_test(tests, what_is_not_mapped_is_told);
	tcase_add_test(tests, addresses_between_the_halves_are_refused);
	tcase_add_test(tests, nonsense_in_tcr_is_refused);
	tcase_add_test(tests, an_address_beyond_the_output_size_is_refused);
	tcase_add_test(tests, rights_come_from_the_page_and_the_tables);
	tcase_add_test(tests, a_page_not_accessed_yet_is_there);
	tcase_add_test(tests, tables_may_be_big_endian);
	tcase_add_test(tests, signatures_take_what_an_address_leaves);
}

int main(void)
{
	return run_suite("aarch64 paging", add_tests);
}
