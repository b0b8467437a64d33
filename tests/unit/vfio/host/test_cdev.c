/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding the character device that VFIO has for a device. */

#include <check.h>
#include <errno.h>
#include <stdio.h>

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

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, fake_tree_remove);
	tcase_add_test(tests, its_node);
	tcase_add_test(tests, a_kernel_without);
	tcase_add_test(tests, what_is_in_the_way);
}

int main(void)
{
	return run_suite("vfio cdev's place", add_tests);
}
