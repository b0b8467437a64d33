/* SPDX-License-Identifier: BSD-3-Clause */
/* The array behind a map: sorted whatever the order of insertion, found by any byte of a region. */

#include <check.h>

#include "memory/table.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

enum { COUNT = 64, STRIDE = 0x1000, SIZE = 0x800 };

static struct mem_table table;
static struct mem_region regions[COUNT];

/* Every stride has a region at its start, inserted in an order that is none. */
static void setup(void)
{
	ck_assert_int_eq(mem_table_reserve(&table, COUNT), 0);
	for (unsigned int i = 0; i < COUNT; i++) {
		unsigned int at = i * 37 % COUNT;

		regions[at].size = SIZE;
		mem_table_insert(&table, &regions[at], (uint64_t)at * STRIDE);
	}
}

static void teardown(void)
{
	mem_table_release(&table);
	ck_assert(!table.entries && table.count == 0 && table.capacity == 0);
}

START_TEST(entries_are_sorted_and_found)
{
	ck_assert_uint_eq(table.count, COUNT);
	for (unsigned int i = 0; i < COUNT; i++) {
		uint64_t base = (uint64_t)i * STRIDE;

		ck_assert_ptr_eq(table.entries[i].region, &regions[i]);
		ck_assert_uint_eq(table.entries[i].base, base);
		ck_assert_uint_eq(table.entries[i].told, 0);
		ck_assert_ptr_eq(mem_table_find(&table, base), &table.entries[i]);
		ck_assert_ptr_eq(mem_table_find(&table, base + SIZE - 1), &table.entries[i]);
		ck_assert_ptr_null(mem_table_find(&table, base + SIZE));
	}
	ck_assert_ptr_null(mem_table_find(&table, UINT64_MAX));
}
END_TEST

START_TEST(the_highest_that_overlaps_is_found)
{
	ck_assert_ptr_null(mem_table_overlap(&table, SIZE, STRIDE - SIZE));
	ck_assert_ptr_eq(mem_table_overlap(&table, SIZE - 1, 1), &table.entries[0]);
	ck_assert_ptr_eq(mem_table_overlap(&table, SIZE, STRIDE - SIZE + 1), &table.entries[1]);
	ck_assert_ptr_eq(mem_table_overlap(&table, 0, UINT64_MAX), &table.entries[COUNT - 1]);
	ck_assert_ptr_null(mem_table_overlap(&table, (uint64_t)COUNT * STRIDE, 1));
	ck_assert_ptr_null(mem_table_overlap(&table, UINT64_MAX, 1));
}
END_TEST

START_TEST(only_what_starts_there_is_removed)
{
	mem_table_remove(&table, 1);
	mem_table_remove(&table, (uint64_t)COUNT * STRIDE);
	ck_assert_uint_eq(table.count, COUNT);
	mem_table_remove(&table, STRIDE);
	mem_table_remove(&table, STRIDE);
	ck_assert_uint_eq(table.count, COUNT - 1);
	ck_assert_ptr_null(mem_table_find(&table, STRIDE));
	ck_assert_ptr_eq(mem_table_find(&table, 2 * STRIDE)->region, &regions[2]);
	while (table.count > 0)
		mem_table_remove(&table, table.entries[table.count / 2].base);
	ck_assert_ptr_null(mem_table_find(&table, 0));
	ck_assert_ptr_null(mem_table_overlap(&table, 0, UINT64_MAX));
}
END_TEST

START_TEST(the_end_of_the_space_is_no_wrap)
{
	struct mem_region last = {.size = 0x1000};

	ck_assert_int_eq(mem_table_reserve(&table, COUNT + 1), 0);
	mem_table_insert(&table, &last, UINT64_MAX - 0xfff);
	ck_assert_ptr_eq(mem_table_find(&table, UINT64_MAX)->region, &last);
	ck_assert_ptr_eq(mem_table_overlap(&table, UINT64_MAX, 1)->region, &last);
	ck_assert_ptr_null(mem_table_overlap(&table, UINT64_MAX - 0x1fff, 0x1000));
}
END_TEST

START_TEST(a_copy_is_its_own)
{
	struct mem_table copy = {0};

	mem_table_copy(&copy, &copy);
	ck_assert_int_eq(mem_table_reserve(&copy, table.count), 0);
	mem_table_copy(&copy, &table);
	mem_table_remove(&table, 0);
	ck_assert_uint_eq(copy.count, COUNT);
	ck_assert_ptr_eq(mem_table_find(&copy, 0)->region, &regions[0]);
	mem_table_release(&copy);
}
END_TEST

START_TEST(room_that_is_there_is_not_made_anew)
{
	struct mem_entry *before = table.entries;

	ck_assert_int_eq(mem_table_reserve(&table, 1), 0);
	ck_assert_int_eq(mem_table_reserve(&table, COUNT), 0);
	ck_assert_ptr_eq(table.entries, before);
	ck_assert_int_eq(mem_table_reserve(&table, COUNT + 1), 0);
	ck_assert_uint_ge(table.capacity, 2 * COUNT);
	ck_assert_uint_eq(table.count, COUNT);
	ck_assert_ptr_eq(mem_table_find(&table, STRIDE)->region, &regions[1]);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, entries_are_sorted_and_found);
	tcase_add_test(tests, the_highest_that_overlaps_is_found);
	tcase_add_test(tests, only_what_starts_there_is_removed);
	tcase_add_test(tests, the_end_of_the_space_is_no_wrap);
	tcase_add_test(tests, a_copy_is_its_own);
	tcase_add_test(tests, room_that_is_there_is_not_made_anew);
}

int main(void)
{
	return run_suite("table", add_tests);
}
