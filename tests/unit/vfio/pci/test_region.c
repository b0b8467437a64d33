/* SPDX-License-Identifier: BSD-3-Clause */
/* Region information from honest, shy and lying drivers, and the bounds of single accesses. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/support/fake_vfio.h"
#include "tests/unit/support/suite.h"
#include "vfio/pci/region.h"
#include "vmm/base/bits.h"

static struct fake_vfio fake;
static struct vfio_region region;
static struct err err;

static void setup(void)
{
	fake_vfio_init(&fake);
	fake_vfio_poke(&fake, VFIO_PCI_CONFIG_REGION_INDEX, 4, 2, 3);
	memset(&err, 0, sizeof(err));
}

static void teardown(void)
{
	fake_vfio_release(&fake);
}

static void load(uint32_t index)
{
	ck_assert_int_eq(vfio_region_load(&fake.backend, index, &region, &err), 0);
}

/* A capability of @id with @payload behind its header; returns its offset. */
static uint32_t add(uint16_t id, const void *payload, size_t size)
{
	struct vfio_info_cap_header header = {.id = id, .version = 1};
	uint32_t offset = fake_vfio_tail(&fake.regions[0], &header, sizeof(header));

	fake_vfio_tail(&fake.regions[0], payload, size);
	return offset;
}

static void link_to(uint32_t from, uint32_t to)
{
	uint8_t *header = fake.regions[0].tail + (from - sizeof(struct vfio_region_info));

	memcpy(header + offsetof(struct vfio_info_cap_header, next), &to, sizeof(to));
}

START_TEST(flags_size_and_offset_are_read)
{
	load(0);
	ck_assert(region.present && !region.sparse);
	ck_assert_uint_eq(region.info.size, 64 * KIB);
	ck_assert_uint_eq(region.info.index, 0);
	load(1);
	ck_assert(!region.present);
	ck_assert_int_eq(vfio_region_load(&fake.backend, 8, &region, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "region 8: its information cannot be had"));
	ck_assert(!region.present);
}
END_TEST

START_TEST(the_areas_are_found_behind_others)
{
	const uint32_t type[2] = {7, 9};
	const uint64_t sparse[] = {2, 0, 0x1000, 0x2000, 0x10000};
	uint32_t first = add(VFIO_REGION_INFO_CAP_TYPE, type, sizeof(type));
	uint32_t second = add(VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, NULL, 0);
	uint32_t third = add(VFIO_REGION_INFO_CAP_SPARSE_MMAP, sparse, sizeof(sparse));

	link_to(first, second);
	link_to(second, third);
	load(0);
	ck_assert(region.sparse);
	/* The second area ends past the region: dropped. */
	ck_assert_uint_eq(region.area_count, 1);
	ck_assert_uint_eq(region.areas[0].offset, 0);
	ck_assert_uint_eq(region.areas[0].size, 0x1000);
}
END_TEST

START_TEST(a_shy_driver_is_asked_again)
{
	const uint64_t sparse[] = {0};

	add(VFIO_REGION_INFO_CAP_SPARSE_MMAP, sparse, sizeof(sparse));
	fake.regions[0].shy = true;
	load(0);
	ck_assert_uint_eq(region.info.size, 64 * KIB);
	ck_assert(region.info.flags & VFIO_REGION_INFO_FLAG_MMAP);
	ck_assert(region.sparse);
}
END_TEST

START_TEST(a_chain_that_loops_ends)
{
	const uint64_t sparse[] = {1, 0, 0x1000};
	uint32_t first = add(VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, NULL, 0);
	uint32_t second = add(VFIO_REGION_INFO_CAP_SPARSE_MMAP, sparse, sizeof(sparse));

	link_to(first, second);
	link_to(second, first);
	load(0);
	ck_assert(region.sparse);
	ck_assert_uint_eq(region.area_count, 1);
	link_to(second, second);
	load(0);
	ck_assert_uint_eq(region.area_count, 1);
}
END_TEST

START_TEST(a_chain_that_leaves_the_answer_ends)
{
	static const uint32_t targets[] = {1, 31, 0x7fffffff, UINT32_MAX, UINT32_MAX - 7};
	const uint64_t sparse[] = {0};
	uint32_t first = add(VFIO_REGION_INFO_CAP_SPARSE_MMAP, sparse, sizeof(sparse));

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		link_to(first, targets[i]);
		load(0);
		ck_assert(region.sparse);
	}
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		fake.regions[0].first_offset = targets[i];
		load(0);
		ck_assert(!region.sparse);
	}
}
END_TEST

START_TEST(more_areas_than_fit_are_not_believed)
{
	const uint64_t sparse[] = {UINT32_MAX, 0, 0x1000};

	add(VFIO_REGION_INFO_CAP_SPARSE_MMAP, sparse, sizeof(sparse));
	load(0);
	ck_assert(region.sparse);
	ck_assert_uint_eq(region.area_count, 1);
}
END_TEST

START_TEST(a_cut_capability_is_not_read)
{
	const uint32_t half = 0;

	add(VFIO_REGION_INFO_CAP_SPARSE_MMAP, &half, sizeof(half));
	load(0);
	ck_assert(!region.sparse);
}
END_TEST

START_TEST(an_area_that_wraps_is_dropped)
{
	const uint64_t sparse[] = {1, UINT64_MAX - 0xfff, 0x2000};

	add(VFIO_REGION_INFO_CAP_SPARSE_MMAP, sparse, sizeof(sparse));
	load(0);
	ck_assert_uint_eq(region.area_count, 0);
}
END_TEST

START_TEST(absurd_sizes_are_refused)
{
	fake.regions[0].size = UINT64_MAX;
	ck_assert_int_eq(vfio_region_load(&fake.backend, 0, &region, &err), -ERANGE);
	ck_assert_ptr_nonnull(strstr(err.text, "absurd"));
}
END_TEST

START_TEST(accesses_stay_inside)
{
	static const struct {
		uint64_t offset;
		unsigned int size;
		int result;
	} rows[] = {
		{0, 1, 0},
		{64 * KIB - 8, 8, 0},
		{64 * KIB - 1, 1, 0},
		{64 * KIB - 1, 2, -ERANGE},
		{64 * KIB, 1, -ERANGE},
		{UINT64_MAX, 1, -ERANGE},
		{UINT64_MAX - 3, 8, -ERANGE},
		{(uint64_t)1 << 32, 4, -ERANGE},
		{0, 3, -EINVAL},
		{0, 16, -EINVAL},
		{0, 0, -EINVAL},
	};
	uint64_t value;

	load(0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int calls = fake.reads + fake.writes;

		ck_assert_int_eq(vfio_region_read(&fake.backend, &region, rows[i].offset,
						  rows[i].size, &value),
				 rows[i].result);
		if (rows[i].result && rows[i].size >= 1 && rows[i].size <= 8)
			ck_assert_uint_eq(value, all_ones(rows[i].size));
		ck_assert_int_eq(vfio_region_write(&fake.backend, &region, rows[i].offset,
						   rows[i].size, 0),
				 rows[i].result);
		ck_assert_uint_eq(fake.reads + fake.writes, calls + (rows[i].result ? 0 : 2));
	}
}
END_TEST

START_TEST(flags_and_absence_forbid)
{
	uint64_t value;

	fake.regions[0].flags = VFIO_REGION_INFO_FLAG_READ;
	load(0);
	ck_assert_int_eq(vfio_region_read(&fake.backend, &region, 0, 4, &value), 0);
	ck_assert_int_eq(vfio_region_write(&fake.backend, &region, 0, 4, 0), -EACCES);
	fake.regions[0].flags = VFIO_REGION_INFO_FLAG_WRITE;
	load(0);
	ck_assert_int_eq(vfio_region_read(&fake.backend, &region, 0, 4, &value), -EACCES);
	ck_assert_uint_eq(value, UINT32_MAX);
	load(1);
	ck_assert_int_eq(vfio_region_read(&fake.backend, &region, 0, 4, &value), -EINVAL);
	ck_assert_int_eq(vfio_region_write(&fake.backend, &region, 0, 4, 0), -EINVAL);
}
END_TEST

START_TEST(errors_of_the_device_read_all_ones)
{
	uint64_t value = 0;

	load(0);
	fake_vfio_poke(&fake, VFIO_PCI_CONFIG_REGION_INDEX, 4, 2, 0);
	ck_assert_int_eq(vfio_region_read(&fake.backend, &region, 0, 2, &value), -EIO);
	ck_assert_uint_eq(value, 0xffff);
	ck_assert_int_eq(vfio_region_write(&fake.backend, &region, 0, 2, 1), -EIO);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, flags_size_and_offset_are_read);
	tcase_add_test(tests, the_areas_are_found_behind_others);
	tcase_add_test(tests, a_shy_driver_is_asked_again);
	tcase_add_test(tests, a_chain_that_loops_ends);
	tcase_add_test(tests, a_chain_that_leaves_the_answer_ends);
	tcase_add_test(tests, more_areas_than_fit_are_not_believed);
	tcase_add_test(tests, a_cut_capability_is_not_read);
	tcase_add_test(tests, an_area_that_wraps_is_dropped);
	tcase_add_test(tests, absurd_sizes_are_refused);
	tcase_add_test(tests, accesses_stay_inside);
	tcase_add_test(tests, flags_and_absence_forbid);
	tcase_add_test(tests, errors_of_the_device_read_all_ones);
}

int main(void)
{
	return run_suite("vfio region", add_tests);
}
