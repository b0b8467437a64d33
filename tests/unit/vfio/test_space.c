/* SPDX-License-Identifier: BSD-3-Clause */
/* Mapping into an address space by parts, and taking back exactly what was mapped. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/unit/support/fake_vfio.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/page.h"

#define PART (4 * MIB)

static struct fake_vfio_space fake;
static struct err err;
static char memory[32];
static uint64_t mapped;

static void setup(void)
{
	fake_vfio_space_init(&fake);
	mapped = 0;
}

static struct vfio_mapping mapping(uint64_t iova, uint64_t size)
{
	return (struct vfio_mapping){
		.iova = iova,
		.size = size,
		.host = memory,
		.fd = 7,
		.fd_offset = 0x10000,
		.flags = VFIO_MAP_READ | VFIO_MAP_WRITE,
	};
}

START_TEST(parts_end_at_multiples)
{
	const struct vfio_mapping all = mapping(3 * MIB, 9 * MIB);

	ck_assert_uint_eq(vfio_space_part(3 * MIB, 9 * MIB, PART), MIB);
	ck_assert_uint_eq(vfio_space_part(4 * MIB, 9 * MIB, PART), 4 * MIB);
	ck_assert_uint_eq(vfio_space_part(8 * MIB, 4096, PART), 4096);
	ck_assert_int_eq(vfio_space_map(&fake.space, &all, PART, NULL, &mapped), 0);
	ck_assert_uint_eq(mapped, 9 * MIB);
	ck_assert_uint_eq(fake.count, 3);
	for (size_t i = 0; i < fake.count; i++) {
		const struct vfio_mapping *map = &fake.maps[i];

		ck_assert_ptr_eq(map->host, memory + (map->iova - all.iova));
		ck_assert_uint_eq(map->fd_offset, 0x10000 + (map->iova - all.iova));
		ck_assert(map->fd == 7 && map->flags == all.flags);
	}
	ck_assert(fake.maps[1].iova == 4 * MIB && fake.maps[1].size == 4 * MIB);
}
END_TEST

START_TEST(it_goes_on_where_it_was_refused)
{
	const struct vfio_mapping all = mapping(0, 12 * MIB);

	fake.fail_at = 2;
	fake.fail_code = -ENOMEM;
	ck_assert_int_eq(vfio_space_map(&fake.space, &all, PART, NULL, &mapped), -ENOMEM);
	ck_assert_uint_eq(mapped, 4 * MIB);
	ck_assert_int_eq(vfio_space_map(&fake.space, &all, PART, NULL, &mapped), 0);
	ck_assert_uint_eq(mapped, 12 * MIB);
	ck_assert_uint_eq(fake.count, 3);
	/* All is there: nothing more is asked for. */
	ck_assert_int_eq(vfio_space_map(&fake.space, &all, PART, NULL, &mapped), 0);
	ck_assert_uint_eq(fake.total, 4);
}
END_TEST

START_TEST(it_can_be_stopped)
{
	const struct vfio_mapping all = mapping(0, 12 * MIB);
	atomic_bool stop = true;

	ck_assert_int_eq(vfio_space_map(&fake.space, &all, PART, &stop, &mapped), 0);
	ck_assert_uint_eq(mapped, 0);
	ck_assert_uint_eq(fake.total, 0);
}
END_TEST

START_TEST(less_than_all_taken_back_is_an_error)
{
	const struct vfio_mapping all = mapping(0x100000, 2 * MIB);

	ck_assert_int_eq(vfio_space_map(&fake.space, &all, PART, NULL, &mapped), 0);
	ck_assert_int_eq(vfio_space_unmap(&fake.space, "guest RAM at", 0x100000, 2 * MIB, 2 * MIB,
					  &err),
			 0);
	ck_assert_uint_eq(fake.count, 0);
	ck_assert_int_eq(vfio_space_unmap(&fake.space, "guest RAM at", 0x100000, 2 * MIB, 2 * MIB,
					  &err),
			 -EIO);
	ck_assert_str_eq(err.text,
			 "guest RAM at 0x100000-0x2fffff: only 0x0 of 0x200000 bytes were "
			 "unmapped from DMA");
}
END_TEST

START_TEST(the_smallest_page_counts)
{
	ck_assert_uint_eq(vfio_space_page(&fake.space), 4096);
	fake.space.page_sizes = 2 * MIB | GIB;
	ck_assert_uint_eq(vfio_space_page(&fake.space), 2 * MIB);
	fake.space.page_sizes = 0;
	ck_assert_uint_eq(vfio_space_page(&fake.space), host_page_size());
}
END_TEST

START_TEST(ranges)
{
	const struct vfio_space *space = &fake.space;

	vfio_space_add_range(&fake.space, 0x1000, 0x1fff);
	vfio_space_add_range(&fake.space, 0x3000, 0x2fff);
	vfio_space_add_range(&fake.space, 0, UINT64_MAX);
	ck_assert_uint_eq(space->range_count, 2);
	ck_assert(space->ranges[0].base == 0x1000 && space->ranges[0].size == 0x1000);
	/* A byte less than all there is, which has no number. */
	ck_assert(space->ranges[1].base == 0 && space->ranges[1].size == UINT64_MAX);
	for (unsigned int i = 0; i < 2 * VFIO_IOVA_RANGES_MAX; i++)
		vfio_space_add_range(&fake.space, i, i);
	ck_assert_uint_eq(space->range_count, VFIO_IOVA_RANGES_MAX);
	ck_assert_uint_eq(space->ranges[VFIO_IOVA_RANGES_MAX - 1].base, VFIO_IOVA_RANGES_MAX - 3);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, parts_end_at_multiples);
	tcase_add_test(tests, it_goes_on_where_it_was_refused);
	tcase_add_test(tests, it_can_be_stopped);
	tcase_add_test(tests, less_than_all_taken_back_is_an_error);
	tcase_add_test(tests, the_smallest_page_counts);
	tcase_add_test(tests, ranges);
}

int main(void)
{
	return run_suite("vfio space", add_tests);
}
