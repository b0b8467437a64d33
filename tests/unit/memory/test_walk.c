/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking at a map: its regions in order, the one at an address, one that is known. */

#include <check.h>
#include <errno.h>

#include "memory/map.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/base/page.h"

static struct mem_map *map;
static struct err err;
static struct mem_view seen[4];
static size_t count;

static enum mem_result read_nothing(void *owner, uint64_t offset, unsigned int size,
				    uint64_t *value)
{
	(void)owner, (void)offset;
	*value = all_ones(size);
	return MEM_DONE;
}

static const struct mem_ops ops = {.read = read_nothing};
static struct mem_region trap, device, odd;

static void setup(void)
{
	uint64_t page = host_page_size();

	map = mem_map_create("test", 0, &err);
	ck_assert_ptr_nonnull(map);
	trap = (struct mem_region){
		.name = "trap", .kind = MEM_TRAP, .size = 8, .ops = &ops, .latch = 4};
	device = (struct mem_region){.name = "device",
				     .kind = MEM_DEVICE,
				     .size = 2 * page,
				     .ops = &ops};
	odd = (struct mem_region){.name = "odd", .kind = MEM_DEVICE, .size = page / 2, .ops = &ops};
	ck_assert_int_eq(mem_map_add(map, &odd, 16 * page, &err), 0);
	ck_assert_int_eq(mem_map_add(map, &trap, 0, &err), 0);
	ck_assert_int_eq(mem_map_add(map, &device, 4 * page, &err), 0);
	count = 0;
}

static void teardown(void)
{
	mem_map_destroy(map);
}

static void see(void *owner, const struct mem_view *view)
{
	ck_assert_ptr_eq(owner, seen);
	ck_assert_uint_lt(count, ARRAY_SIZE(seen));
	seen[count++] = *view;
}

START_TEST(regions_come_in_order_of_address)
{
	mem_map_walk(map, see, seen);
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(seen[0].name, "trap");
	ck_assert_str_eq(seen[1].name, "device");
	ck_assert_str_eq(seen[2].name, "odd");
	ck_assert_int_eq(seen[0].kind, MEM_TRAP);
	ck_assert_int_eq(seen[1].kind, MEM_DEVICE);
	ck_assert_uint_eq(seen[1].base, 4 * host_page_size());
	ck_assert_uint_eq(seen[1].size, 2 * host_page_size());
	ck_assert(seen[1].whole_pages && !seen[2].whole_pages);
	ck_assert_int_eq(seen[1].slot, -1);
	ck_assert_uint_eq(seen[0].latch, 4);
	ck_assert_uint_eq(seen[1].latch, 0);
}
END_TEST

START_TEST(an_address_has_one_region_or_none)
{
	struct mem_view view;

	ck_assert(mem_map_find(map, 6 * host_page_size() - 1, &view));
	ck_assert_str_eq(view.name, "device");
	ck_assert(!mem_map_find(map, 6 * host_page_size(), &view));
	ck_assert(!mem_map_find(map, UINT64_MAX, &view));
}
END_TEST

START_TEST(accesses_are_counted)
{
	struct mem_view view;
	uint64_t value;

	ck_assert_int_eq(mem_map_read(map, 0, 4, &value), MEM_DONE);
	ck_assert_int_eq(mem_map_read(map, 4, 4, &value), MEM_DONE);
	mem_region_view(&trap, &view);
	ck_assert_uint_eq(view.accesses, 2);
	mem_region_view(&device, &view);
	ck_assert_uint_eq(view.accesses, 0);
	ck_assert_uint_eq(view.base, 4 * host_page_size());
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, regions_come_in_order_of_address);
	tcase_add_test(tests, an_address_has_one_region_or_none);
	tcase_add_test(tests, accesses_are_counted);
}

int main(void)
{
	return run_suite("walk", add_tests);
}
