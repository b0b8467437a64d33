/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the character device that VFIO has for a device. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vfio/host/cdev.h"

static struct vfio_sysfs_device device;

static void setup(void)
{
	struct err err = {0};

	fake_tree_create();
	fake_tree_add_device("0000:01:00.0", 7, "vfio-pci");
	ck_assert_int_eq(vfio_sysfs_find(fake_tree_path(""), "01:00.0", &device, NULL, &err), 0);
}

START_TEST(its_node)
{
	char path[PATH_MAX];

	fake_tree_add_cdev("0000:01:00.0", 12);
	ck_assert_int_eq(vfio_cdev_find(&device, "/dev", path, sizeof(path)), 0);
	ck_assert_str_eq(path, "/dev/vfio/devices/vfio12");
	ck_assert_int_eq(vfio_cdev_find(&device, "/dev", path, 24), -ENAMETOOLONG);
}
END_TEST

START_TEST(a_kernel_without)
{
	char path[PATH_MAX];

	ck_assert_int_eq(vfio_cdev_find(&device, "/dev", path, sizeof(path)), -ENOENT);
	fake_tree_folder("bus/pci/devices/0000:01:00.0/vfio-dev");
	ck_assert_int_eq(vfio_cdev_find(&device, "/dev", path, sizeof(path)), -ENOENT);
	/* From 6.1 on the device has a name there, without CONFIG_VFIO_DEVICE_CDEV no node. */
	fake_tree_folder("bus/pci/devices/0000:01:00.0/vfio-dev/vfio12");
	ck_assert_int_eq(vfio_cdev_find(&device, "/dev", path, sizeof(path)), -ENOENT);
}
END_TEST

static int check(char *path)
{
	return vfio_cdev_check(&device, fake_tree_path("dev"), path, PATH_MAX);
}

START_TEST(what_is_in_the_way)
{
	char path[PATH_MAX];

	ck_assert_int_eq(check(path), -ENOENT);
	ck_assert_str_eq(path, fake_tree_path("dev/iommu"));
	fake_tree_folder("dev");
	fake_tree_write("dev/iommu", "");
	ck_assert_int_eq(check(path), -ENOENT);
	ck_assert_str_eq(path, fake_tree_path("dev/vfio/devices"));
	fake_tree_add_cdev("0000:01:00.0", 12);
	ck_assert_int_eq(check(path), 0);
	ck_assert_str_eq(path, fake_tree_path("dev/vfio/devices/vfio12"));
	fake_tree_unlink("dev/vfio/devices/vfio12");
	ck_assert_int_eq(check(path), -ENOENT);
	ck_assert_str_eq(path, fake_tree_path("dev/vfio/devices/vfio12"));
}
END_TEST

static int owner(int fd, char *folder)
{
	return vfio_cdev_owner(fake_tree_path(""), fd, folder);
}

START_TEST(the_device_of_an_open_node)
{
	static const char place[] = "bus/pci/devices/0000:01:00.0/vfio-dev/vfio12";
	char folder[PATH_MAX];
	int fd;

	fake_tree_add_cdev("0000:01:00.0", 12);
	fd = fake_tree_open_as(place, "/dev/null");
	ck_assert_int_eq(owner(fd, folder), 0);
	ck_assert_str_eq(folder, fake_tree_path("bus/pci/devices/0000:01:00.0"));
	ck_assert_int_eq(vfio_cdev_check_iommufd(fake_tree_path(""), fd), -ENODEV);
	close(fd);
	ck_assert_int_eq(owner(fd, folder), -EBADF);
}
END_TEST

START_TEST(the_group_of_an_open_node)
{
	static const char *const others[] = {"devices/virtual/vfio/vfio", "devices/virtual/misc/7",
					     "devices/virtual/vfio/noiommu-7"};
	unsigned int group;
	int fd;

	fake_tree_folder("devices/virtual/vfio/27");
	fd = fake_tree_open_as("devices/virtual/vfio/27", "/dev/null");
	ck_assert_int_eq(vfio_cdev_group(fake_tree_path(""), fd, &group), 0);
	ck_assert_uint_eq(group, 27);
	close(fd);
	ck_assert_int_eq(vfio_cdev_group(fake_tree_path(""), fd, &group), -EBADF);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		fake_tree_folder(others[i]);
		fd = fake_tree_open_as(others[i], "/dev/null");
		ck_assert_int_eq(vfio_cdev_group(fake_tree_path(""), fd, &group), -ENODEV);
		close(fd);
	}
}
END_TEST

/* Of another kind, not known to sysfs, no device node at all. */
START_TEST(no_node_of_a_device)
{
	char folder[PATH_MAX];
	int fd;

	fake_tree_folder("devices/virtual/misc/iommu");
	fake_tree_folder("devices/virtual/net/iommu");
	fd = fake_tree_open_as("devices/virtual/misc/iommu", "/dev/null");
	ck_assert_int_eq(owner(fd, folder), -ENODEV);
	ck_assert_int_eq(vfio_cdev_check_iommufd(fake_tree_path(""), fd), 0);
	close(fd);
	fd = fake_tree_open_as("devices/virtual/net/iommu", "/dev/null");
	ck_assert_int_eq(vfio_cdev_check_iommufd(fake_tree_path(""), fd), -ENODEV);
	close(fd);
	fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(owner(fd, folder), -ENODEV);
	close(fd);
	fd = open(fake_tree_path(""), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(owner(fd, folder), -ENODEV);
	ck_assert_int_eq(vfio_cdev_check_iommufd(fake_tree_path(""), fd), -ENODEV);
	close(fd);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, fake_tree_remove);
	tcase_add_test(tests, its_node);
	tcase_add_test(tests, a_kernel_without);
	tcase_add_test(tests, what_is_in_the_way);
	tcase_add_test(tests, the_device_of_an_open_node);
	tcase_add_test(tests, the_group_of_an_open_node);
	tcase_add_test(tests, no_node_of_a_device);
}

int main(void)
{
	return run_suite("vfio cdev's place", add_tests);
}
