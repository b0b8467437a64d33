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
	ck_assert_int_eq(vfio_ioas_create(&ioas, 1000, "/proc", &bench.err), 0);
}

static void read_ranges(void)
{
	ck_assert_int_eq(vfio_ioas_read_ranges(&ioas, &bench.err), 0);
}

/* Anew each time: a device that is attached leaves fewer. */
START_TEST(usable_ranges)
{
	read_ranges();
	read_ranges();
	ck_assert_uint_eq(ioas.space.range_count, 3);
	ck_assert_uint_eq(ioas.space.ranges[0].base, 0);
	ck_assert_uint_eq(ioas.space.ranges[0].size, 0xfee00000);
	ck_assert_uint_eq(ioas.space.ranges[2].base, 1ULL << 47);
	ck_assert_uint_eq(ioas.space.ranges[2].size, UINT64_MAX - (1ULL << 47) + 1);
	kernel.lies_about_ranges = true;
	read_ranges();
	ck_assert_uint_eq(ioas.space.range_count, 2);
}
END_TEST

/* The kernel tells as many as fit. */
START_TEST(more_ranges_than_there_is_room_for)
{
	kernel.more_ranges = true;
	read_ranges();
	ck_assert_uint_eq(ioas.space.range_count, VFIO_IOVA_RANGES_MAX);
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
	ck_assert_uint_eq(vfio_space_page(&ioas.space), (uint64_t)sysconf(_SC_PAGESIZE));
	read_ranges();
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
	ck_assert_int_eq(vfio_space_unmap(&ioas.space, "RAM", 0x100000, 0x2000, 0x2000, &bench.err),
			 -ENOENT);
	fail_ioctl(IOMMUFD_IOAS_MAP, -EFAULT);
	ck_assert_int_eq(ioas.space.ops->map(&ioas.space, &mapping), -EFAULT);
	ck_assert_int_eq(vfio_space_unmap(&ioas.space, "RAM", 0x100000, 0x2000, 0x2000, &bench.err),
			 0);
	ck_assert_uint_eq(kernel.space.count, 0);
}
END_TEST

START_TEST(no_address_space)
{
	fail_ioctl(IOMMUFD_IOAS_ALLOC, -ENOMEM);
	ck_assert_int_eq(vfio_ioas_create(&ioas, 1000, "/proc", &bench.err), -ENOMEM);
	said("iommufd: it gives no address space");
}
END_TEST

/* By default for the user; who opened the iommufd may have chosen otherwise. */
START_TEST(for_whom_pinned_memory_counts)
{
	ck_assert_str_eq(ioas.space.memlock.user_proc, "/proc");
	fail_ioctl(IOMMUFD_OPTION, -ENOTTY);
	ck_assert_int_eq(vfio_ioas_create(&ioas, 1000, "/proc", &bench.err), 0);
	ck_assert_str_eq(ioas.space.memlock.user_proc, "/proc");
	fail_ioctl(0, 0);
	kernel.counts_for_process = true;
	ck_assert_int_eq(vfio_ioas_create(&ioas, 1000, "/proc", &bench.err), 0);
	ck_assert_ptr_null(ioas.space.memlock.user_proc);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, create, teardown);
	tcase_add_test(tests, usable_ranges);
	tcase_add_test(tests, more_ranges_than_there_is_room_for);
	tcase_add_test(tests, no_ranges);
	tcase_add_test(tests, pages);
	tcase_add_test(tests, maps_and_unmaps);
	tcase_add_test(tests, no_address_space);
	tcase_add_test(tests, for_whom_pinned_memory_counts);
}

int main(void)
{
	return run_suite("vfio ioas", add_tests);
}
