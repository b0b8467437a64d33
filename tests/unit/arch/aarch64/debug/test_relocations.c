/* SPDX-License-Identifier: BSD-3-Clause */
/* The address an arm64 kernel was linked at, told from its relocations and what is in memory. */

#include <check.h>
#include <string.h>

#include "arch/aarch64/debug/relocations.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"

#define LINKED  UINT64_C(0xffff800008010000)
#define RUNTIME UINT64_C(0xffffa1b2c3810000)

enum {
	SIZE = 0x80000,
	MEMORY = 0xa0000,
	TABLE = 0x30000, /* of relocations, in the Image */
	COUNT = 300,
	PLACES = 0x50000, /* what they are about */
};

static uint8_t bytes[SIZE], memory[MEMORY];
static struct relocated_image image;

static bool read_memory(void *context, uint64_t offset, uint64_t *value)
{
	ck_assert_ptr_eq(context, memory);
	if (!range_fits(offset, 8, MEMORY))
		return false;
	*value = load_le64(memory + offset);
	return true;
}

/* Pointers to every second word, each 24 bytes from the next, as in a table of structures. */
static void make(uint64_t linked, uint64_t runtime)
{
	memset(bytes, 0, sizeof(bytes));
	for (unsigned int i = 0; i < COUNT; i++) {
		uint8_t *entry = bytes + TABLE + 24 * i;

		store_le64(entry, linked + PLACES + 24 * i);
		store_le64(entry + 8, 0x403);
		store_le64(entry + 16, linked + 0x10000 + 16 * i);
	}
	memcpy(memory, bytes, SIZE);
	for (unsigned int i = 0; i < COUNT; i++)
		store_le64(memory + PLACES + 24 * i, runtime + 0x10000 + 16 * i);
	image = (struct relocated_image){
		.bytes = bytes,
		.size = SIZE,
		.memory_size = MEMORY,
		.runtime = runtime,
		.read = read_memory,
		.memory = memory,
	};
}

START_TEST(found_where_the_kernel_moved_and_where_not)
{
	make(LINKED, RUNTIME);
	ck_assert_uint_eq(relocations_find_linked(&image), LINKED);
	make(LINKED, LINKED);
	ck_assert_uint_eq(relocations_find_linked(&image), LINKED);
	make(0xffffffc010080000, RUNTIME);
	ck_assert_uint_eq(relocations_find_linked(&image), 0xffffffc010080000);
}
END_TEST

START_TEST(memory_that_others_use_by_now_does_not_count)
{
	make(LINKED, RUNTIME);
	memset(memory + TABLE, 0xcc, 24 * COUNT);
	memset(memory + PLACES, 0, 24 * COUNT / 4);
	ck_assert_uint_eq(relocations_find_linked(&image), LINKED);
	/* But when most is other than it would be, nothing is known. */
	memset(memory + PLACES, 0, 24 * COUNT * 3 / 4);
	ck_assert_uint_eq(relocations_find_linked(&image), 0);
}
END_TEST

START_TEST(without_relocations_it_is_not_known)
{
	make(LINKED, RUNTIME);
	memset(bytes + TABLE, 0, 24 * (COUNT - 15));
	ck_assert_uint_eq(relocations_find_linked(&image), 0);
	make(LINKED, RUNTIME);
	image.size = 0;
	ck_assert_uint_eq(relocations_find_linked(&image), 0);
	image.size = 23;
	ck_assert_uint_eq(relocations_find_linked(&image), 0);
}
END_TEST

START_TEST(a_shorter_run_that_looks_like_it_is_passed_over)
{
	make(LINKED, RUNTIME);
	for (unsigned int i = 0; i < 20; i++)
		store_le64(bytes + 0x1000 + 24 * i + 8, 0x403);
	ck_assert_uint_eq(relocations_find_linked(&image), LINKED);
}
END_TEST

START_TEST(places_all_over_memory_end_the_search)
{
	make(LINKED, RUNTIME);
	store_le64(bytes + TABLE, 0);
	store_le64(bytes + TABLE + 24, UINT64_MAX);
	ck_assert_uint_eq(relocations_find_linked(&image), 0);
	/* A table that is cut by the end of the Image. */
	make(LINKED, RUNTIME);
	image.size = TABLE + 24 * 100 + 20;
	ck_assert_uint_eq(relocations_find_linked(&image), LINKED);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, found_where_the_kernel_moved_and_where_not);
	tcase_add_test(tests, memory_that_others_use_by_now_does_not_count);
	tcase_add_test(tests, without_relocations_it_is_not_known);
	tcase_add_test(tests, a_shorter_run_that_looks_like_it_is_passed_over);
	tcase_add_test(tests, places_all_over_memory_end_the_search);
}

int main(void)
{
	return run_suite("aarch64 relocations", add_tests);
}
