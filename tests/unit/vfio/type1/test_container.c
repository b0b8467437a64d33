/* SPDX-License-Identifier: BSD-3-Clause */
/* The container over a made-up kernel: what it must be, and what its IOMMU tells of itself. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_layer.h"
#include "vfio/type1/container.h"
#include "vfio/type1/group.h"

START_TEST(no_container_node)
{
	fake_tree_unlink("dev/vfio/vfio");
	add_refused(-ENOENT, "VFIO container: ");
	said("modprobe vfio-pci");
}
END_TEST

START_TEST(another_api_version)
{
	kernel.version = 1;
	add_refused(-EPROTO, "API version 1");
}
END_TEST

START_TEST(no_api_version)
{
	fail_ioctl(VFIO_GET_API_VERSION, -EIO);
	add_refused(-EIO, "API version cannot be had");
}
END_TEST

START_TEST(no_type1)
{
	kernel.has_type1 = false;
	add_refused(-ENOTSUP, "no TYPE1v2");
}
END_TEST

START_TEST(another_iommu_type_is_an_error)
{
	kernel.container = open("/dev/null", O_RDWR | O_CLOEXEC);
	ck_assert_ptr_null(
		vfio_container_adopt(kernel.container, VFIO_SPAPR_TCE_IOMMU, &bench.err));
	said("only type 3 (TYPE1v2) is served");
	ck_assert_uint_eq(count_descriptors(), bench.descriptors);
}
END_TEST

START_TEST(a_ready_descriptor_is_taken)
{
	struct vfio_container *container;

	kernel.container = open("/dev/null", O_RDWR | O_CLOEXEC);
	container = vfio_container_adopt(kernel.container, VFIO_TYPE1v2_IOMMU, &bench.err);
	ck_assert_ptr_nonnull(container);
	ck_assert_int_eq(container->fd, kernel.container);
	vfio_container_close(container);
}
END_TEST

START_TEST(iova_ranges_are_read)
{
	struct ram_range ranges[4];

	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_uint_eq(vfio_iova_ranges(bench.vfio, ranges, 1), 2);
	ck_assert_uint_eq(vfio_iova_ranges(bench.vfio, ranges, 4), 2);
	ck_assert_uint_eq(ranges[0].base, 0);
	ck_assert_uint_eq(ranges[0].size, 0xfee00000);
	ck_assert_uint_eq(ranges[1].base, 0xfef00000);
	ck_assert_uint_eq(ranges[1].base + ranges[1].size, 0);
}
END_TEST

START_TEST(more_ranges_than_fit_are_not_believed)
{
	kernel.lies_about_ranges = true;
	ck_assert_int_eq(add("01:00.0"), 0);
	ck_assert_uint_eq(vfio_iova_ranges(bench.vfio, NULL, 0), 2);
}
END_TEST

START_TEST(pages_and_the_number_of_maps_are_read)
{
	const struct vfio_settings settings = {.sysfs = fake_tree_path(""),
					       .dev = fake_tree_path("dev")};
	struct vfio_device_config config = {.path = "01:00.0"};
	struct vfio_provider *provider = vfio_type1_provider.create(&settings, &bench.err);
	struct vfio_sysfs_device device;
	struct vfio_lease *lease = provider->ops->join(provider, &config, &device, &bench.err);

	ck_assert_uint_eq(provider->space->ops->maps_left(provider->space), 1000);
	ck_assert_uint_eq(provider->space->page_sizes, 4096);
	provider->ops->leave(lease);
	provider->ops->destroy(provider);
}
END_TEST

/* In the kernel's terms, and what it answers in those of a space. */
START_TEST(mappings_are_the_kernels)
{
	static char memory[2 * 4096];
	const struct fake_vfio_space *there = &kernel.space;
	struct vfio_mapping mapping = {.iova = 0x10000,
				       .size = sizeof(memory),
				       .host = memory,
				       .fd = -1,
				       .flags = VFIO_MAP_READ | VFIO_MAP_WRITE};
	struct vfio_container *container;
	struct vfio_space *space;
	uint64_t unmapped = 0;

	kernel.container = open("/dev/null", O_RDWR | O_CLOEXEC);
	container = vfio_container_adopt(kernel.container, VFIO_TYPE1v2_IOMMU, &bench.err);
	ck_assert_ptr_nonnull(container);
	space = &container->space;
	ck_assert_int_eq(space->ops->map(space, &mapping), 0);
	mapping.iova += sizeof(memory);
	mapping.flags = VFIO_MAP_READ;
	ck_assert_int_eq(space->ops->map(space, &mapping), 0);
	ck_assert_uint_eq(there->count, 2);
	ck_assert_uint_eq(there->maps[0].flags, VFIO_MAP_READ | VFIO_MAP_WRITE);
	ck_assert_uint_eq(there->maps[1].flags, VFIO_MAP_READ);
	ck_assert_uint_eq(there->maps[1].iova, mapping.iova);
	ck_assert_uint_eq(there->maps[1].size, sizeof(memory));
	ck_assert_ptr_eq(there->maps[1].host, memory);
	ck_assert_int_eq(space->ops->unmap(space, mapping.iova, sizeof(memory), &unmapped), 0);
	ck_assert_uint_eq(unmapped, sizeof(memory));
	kernel.space.short_unmap = true;
	ck_assert_int_eq(space->ops->unmap(space, 0x10000, sizeof(memory), &unmapped), 0);
	ck_assert_uint_eq(unmapped, sizeof(memory) / 2);
	fail_ioctl(VFIO_IOMMU_MAP_DMA, -ENOSPC);
	ck_assert_int_eq(space->ops->map(space, &mapping), -ENOSPC);
	vfio_container_close(container);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, no_container_node);
	tcase_add_test(tests, another_api_version);
	tcase_add_test(tests, no_api_version);
	tcase_add_test(tests, no_type1);
	tcase_add_test(tests, another_iommu_type_is_an_error);
	tcase_add_test(tests, a_ready_descriptor_is_taken);
	tcase_add_test(tests, mappings_are_the_kernels);
	tcase_add_test(tests, iova_ranges_are_read);
	tcase_add_test(tests, more_ranges_than_fit_are_not_believed);
	tcase_add_test(tests, pages_and_the_number_of_maps_are_read);
}

int main(void)
{
	return run_suite("vfio container", add_tests);
}
