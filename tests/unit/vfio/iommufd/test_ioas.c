/* SPDX-License-Identifier: BSD-3-Clause */
/* iommufd's address space over a made-up kernel: what its ranges are, and what is mapped. */

#include <check.h>
#include <errno.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_layer.h"
#include "vfio/iommufd/ioas.h"

static struct vfio_ioas ioas;

static void create(void)
{
	setup();
	memset(&ioas, 0, sizeof(ioas));
	kernel.iommufd = 1000;
	ck_assert_int_eq(vfio_ioas_create(&ioas, 1000, &bench.err), 0);
}

static size_t ranges(struct ram_range *told, size_t room)
{
	ck_assert_int_eq(vfio_ioas_read_ranges(&ioas, &bench.err), 0);
	return ioas.space.ops->ranges(&ioas.space, told, room);
}

START_TEST(usable_ranges)
{
	struct ram_range told[4];

	ck_assert_uint_eq(ranges(told, 4), 3);
	ck_assert_uint_eq(told[0].base, 0);
	ck_assert_uint_eq(told[0].size, 0xfee00000);
	ck_assert_uint_eq(told[2].base, 1ULL << 47);
	ck_assert_uint_eq(told[2].size, UINT64_MAX - (1ULL << 47) + 1);
	ck_assert_uint_eq(ranges(told, 1), 3);
}
END_TEST

START_TEST(a_range_that_ends_before_it_begins_is_left_out)
{
	struct ram_range told[4];

	kernel.lies_about_ranges = true;
	ck_assert_uint_eq(ranges(told, 4), 2);
	ck_assert_uint_eq(told[1].base, 1ULL << 47);
}
END_TEST

/* Those that there is no room for are not used. */
START_TEST(more_ranges_than_there_is_room_for)
{
	struct ram_range told[4];

	kernel.more_ranges = true;
	ck_assert_uint_le(ranges(told, 4), VFIO_IOVA_RANGES_MAX);
	ck_assert_uint_eq(told[0].size, 0xfee00000);
}
END_TEST

START_TEST(no_ranges)
{
	fail_ioctl(IOMMUFD_IOAS_IOVA_RANGES, -EIO);
	ck_assert_int_eq(vfio_ioas_read_ranges(&ioas, &bench.err), -EIO);
	said("iommufd: the usable addresses");
}
END_TEST

/* The host's page where the kernel has said nothing. */
START_TEST(pages)
{
	struct ram_range told[4];

	ck_assert_uint_eq(vfio_space_page(&ioas.space), (uint64_t)sysconf(_SC_PAGESIZE));
	ranges(told, 4);
	ck_assert_uint_eq(vfio_space_page(&ioas.space), 4096);
}
END_TEST

START_TEST(maps_and_unmaps)
{
	const struct vfio_mapping mapping = {
		.iova = 0x100000,
		.size = 0x2000,
		.host = (void *)0x7000,
		.flags = VFIO_MAP_READ,
	};
	struct vfio_mapping *map = &kernel.space.maps[0];

	ck_assert_int_eq(ioas.space.ops->map(&ioas.space, &mapping), 0);
	ck_assert_uint_eq(kernel.space.count, 1);
	ck_assert(map->iova == 0x100000 && map->size == 0x2000 && map->host == mapping.host);
	ck_assert_uint_eq(map->flags, VFIO_MAP_READ);
	fail_ioctl(IOMMUFD_IOAS_UNMAP, -ENOENT);
	ck_assert_int_eq(vfio_space_unmap(&ioas.space, "RAM", 0x100000, 0x2000, &bench.err),
			 -ENOENT);
	fail_ioctl(IOMMUFD_IOAS_MAP, -EFAULT);
	ck_assert_int_eq(ioas.space.ops->map(&ioas.space, &mapping), -EFAULT);
	ck_assert_int_eq(vfio_space_unmap(&ioas.space, "RAM", 0x100000, 0x2000, &bench.err), 0);
	ck_assert_uint_eq(kernel.space.count, 0);
}
END_TEST

START_TEST(no_address_space)
{
	fail_ioctl(IOMMUFD_IOAS_ALLOC, -ENOMEM);
	ck_assert_int_eq(vfio_ioas_create(&ioas, 1000, &bench.err), -ENOMEM);
	said("iommufd: it gives no address space");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, create, teardown);
	tcase_add_test(tests, usable_ranges);
	tcase_add_test(tests, a_range_that_ends_before_it_begins_is_left_out);
	tcase_add_test(tests, more_ranges_than_there_is_room_for);
	tcase_add_test(tests, no_ranges);
	tcase_add_test(tests, pages);
	tcase_add_test(tests, maps_and_unmaps);
	tcase_add_test(tests, no_address_space);
}

int main(void)
{
	return run_suite("vfio ioas", add_tests);
}
