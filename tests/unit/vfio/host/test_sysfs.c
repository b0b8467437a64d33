/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices as a made-up sysfs describes them: names, groups, drivers, BAR sizes and what is amiss.
 */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vfio/host/sysfs.h"
#include "vmm/base/bits.h"

static struct vfio_sysfs_device device;
static unsigned int group;
static struct err err;

static void setup(void)
{
	fake_tree_create();
	fake_tree_add_device("0000:01:00.0", 7, "vfio-pci");
}

static void teardown(void)
{
	fake_tree_remove();
}

static int find(const char *name)
{
	memset(&err, 0, sizeof(err));
	return vfio_sysfs_find(fake_tree_path(""), name, &device, &group, &err);
}

static void refused(const char *name, int code, const char *sentence)
{
	ck_assert_int_eq(find(name), code);
	ck_assert_msg(strstr(err.text, sentence), "%s", err.text);
}

START_TEST(all_ways_to_name_a_device)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s", fake_tree_path("bus/pci/devices/0000:01:00.0"));
	ck_assert_msg(find(full) == 0, "%s", err.text);
	ck_assert_str_eq(device.address, "0000:01:00.0");
	strcat(full, "//");
	ck_assert_int_eq(find(full), 0);
	ck_assert_str_eq(device.address, "0000:01:00.0");
	ck_assert_int_eq(find("0000:01:00.0"), 0);
	ck_assert_int_eq(find("01:00.0"), 0);
	ck_assert_str_eq(device.address, "0000:01:00.0");
	ck_assert_uint_eq(group, 7);
	ck_assert_uint_eq(device.function, 0);
	fake_tree_add_device("10000:e1:1f.7", 8, "mlx5_vfio_pci");
	ck_assert_msg(find("10000:e1:1f.7") == 0, "%s", err.text);
	ck_assert_uint_eq(device.slot, UINT64_C(0x10000) << 13 | 0xe1 << 5 | 0x1f);
	ck_assert_uint_eq(device.function, 7);
	fake_tree_add_device("7fffffff:00:00.0", 9, "vfio-pci");
	ck_assert_msg(find("7fffffff:00:00.0") == 0, "%s", err.text);
	ck_assert_str_eq(device.address, "7fffffff:00:00.0");
	ck_assert_uint_eq(device.slot, UINT64_C(0x7fffffff) << 13);
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
	static const char *const names[] = {"",
					    "eth0",
					    "01:00",
					    "01:20.0",
					    "01:00.8",
					    "01:00.0x",
					    "0000:01:00",
					    "/",
					    "80000000:00:00.0",
					    "1:2:3:4.5",
					    "01:00.0,a=b",
					    "::.",
					    "-1:00.0",
					    "100000000:00:00.0"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ck_assert_msg(find(names[i]) == -EINVAL, "'%s'", names[i]);
		ck_assert_str_ne(err.text, "");
	}
	refused("eth0", -EINVAL, "not a PCI address");
}
END_TEST

START_TEST(a_missing_device_is_told)
{
	refused("02:00.0", -ENOENT, "ferry devices");
}
END_TEST

/* Made up by somebody, with files that never answer. */
START_TEST(a_folder_elsewhere_is_no_device)
{
	char folder[] = "/tmp/ferry-sysfs.XXXXXX", path[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/0000:01:00.0", folder);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	refused(path, -ENODEV, ": not in ");
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	/* By another way it is the same one. */
	snprintf(path, sizeof(path), "%s", "/tmp/ferry-link.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	strcat(path, "/0000:01:00.0");
	ck_assert_int_eq(symlink(fake_tree_path("bus/pci/devices/0000:01:00.0"), path), 0);
	ck_assert_msg(find(path) == 0, "%s", err.text);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}
END_TEST

START_TEST(another_kind_of_device_is_told)
{
	fake_tree_unlink("bus/pci/devices/0000:01:00.0/subsystem");
	refused("01:00.0", -ENODEV, "not a PCI device");
	fake_tree_link("bus/pci/devices/0000:01:00.0/subsystem", "../../../../bus/platform");
	refused("01:00.0", -ENODEV, "not a PCI device");
}
END_TEST

START_TEST(no_iommu_group_means_no_iommu)
{
	fake_tree_unlink("bus/pci/devices/0000:01:00.0/iommu_group");
	refused("01:00.0", -ENODEV, "intel_iommu=on");
	/* Who does not ask for the group does without. */
	ck_assert_int_eq(vfio_sysfs_find(fake_tree_path(""), "01:00.0", &device, NULL, &err), 0);
}
END_TEST

START_TEST(a_group_without_an_iommu_is_refused)
{
	fake_tree_write("kernel/iommu_groups/7/name", "vfio-noiommu\n");
	refused("01:00.0", -EPERM, "no IOMMU confines it");
	ck_assert_ptr_nonnull(strstr(err.text, "intel_iommu=on"));
	ck_assert_ptr_null(strstr(err.text, "ferry bind"));
	fake_tree_write("kernel/iommu_groups/7/name", "another\n");
	ck_assert_int_eq(find("01:00.0"), 0);
}
END_TEST

START_TEST(a_group_that_is_no_number_is_told)
{
	static const char *const groups[] = {"seven", "7a", "", "-7", "99999999999999999999"};

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		char target[64];

		snprintf(target, sizeof(target), "../groups/%s", groups[i]);
		fake_tree_unlink("bus/pci/devices/0000:01:00.0/iommu_group");
		fake_tree_link("bus/pci/devices/0000:01:00.0/iommu_group", target);
		refused("01:00.0", -EINVAL, "is not a number");
	}
}
END_TEST

START_TEST(a_host_driver_is_named_with_the_way_out)
{
	fake_tree_add_device("0000:02:00.0", 9, "nvme");
	refused("02:00.0", -EBUSY, "bound to driver nvme");
	ck_assert_ptr_nonnull(strstr(err.text, "as root: ferry bind 0000:02:00.0"));
	fake_tree_unlink("bus/pci/devices/0000:02:00.0/driver");
	refused("02:00.0", -ENODEV, "has no driver");
	ck_assert_ptr_nonnull(strstr(err.text, "as root: ferry bind 0000:02:00.0"));
}
END_TEST

START_TEST(bar_sizes_are_read)
{
	fake_tree_write("bus/pci/devices/0000:01:00.0/resource",
			"0x00000000feb40000 0x00000000feb5ffff 0x0000000000040200\n"
			"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
			"0x000000000000e000 0x000000000000e01f 0x0000000000040101\n"
			"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
			"0x0000001000000000 0x000000101fffffff 0x000000000014220c\n"
			"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
			"0x00000000feb00000 0x00000000feb3ffff 0x0000000000046200\n"
			"0x00000000feb00000 0x00000000feb3ffff 0x0000000000046200\n");
	ck_assert_int_eq(find("01:00.0"), 0);
	ck_assert_uint_eq(device.resources[0].size, 128 * KIB);
	ck_assert(!device.resources[0].io && !device.resources[0].wide);
	ck_assert_uint_eq(device.resources[1].size, 0);
	ck_assert(device.resources[2].io && device.resources[2].size == 32);
	ck_assert(device.resources[4].wide && device.resources[4].size == 512 * MIB);
	ck_assert_uint_eq(device.resources[6].size, 256 * KIB);
	fake_tree_write("bus/pci/devices/0000:01:00.0/resource", "rubbish\n");
	refused("01:00.0", -EINVAL, "not three numbers");
	fake_tree_unlink("bus/pci/devices/0000:01:00.0/resource");
	refused("01:00.0", -ENOENT, "resource");
}
END_TEST

START_TEST(members_in_the_way_are_named)
{
	fake_tree_add_device("0000:01:00.1", 7, "snd_hda_intel");
	fake_tree_add_device("0000:01:00.2", 7, NULL);
	fake_tree_add_device("0000:00:01.0", 7, "pcieport");
	fake_tree_add_device("0000:01:00.3", 7, "xhci_hcd");
	ck_assert_int_eq(vfio_sysfs_not_viable(fake_tree_path(""), 7, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, "IOMMU group 7: not viable"));
	ck_assert_ptr_nonnull(strstr(err.text, "0000:01:00.1 (driver snd_hda_intel)"));
	ck_assert_ptr_nonnull(strstr(err.text, "0000:01:00.3 (driver xhci_hcd)"));
	ck_assert_ptr_nonnull(strstr(err.text, "as root: ferry bind --group 0000:01:00."));
	ck_assert_ptr_null(strstr(err.text, "0000:01:00.2"));
	ck_assert_ptr_null(strstr(err.text, "0000:01:00.0"));
	ck_assert_ptr_null(strstr(err.text, "pcieport"));
}
END_TEST

START_TEST(many_members_in_the_way_still_make_a_sentence)
{
	for (unsigned int i = 0; i < 20; i++) {
		char name[32];

		snprintf(name, sizeof(name), "0000:05:%02x.0", i);
		fake_tree_add_device(name, 7, "a_driver_with_quite_a_long_name");
	}
	ck_assert_int_eq(vfio_sysfs_not_viable(fake_tree_path(""), 7, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, " and 14 more"));
	ck_assert_ptr_nonnull(strstr(err.text, "ferry bind --group 0000:05:"));
}
END_TEST

START_TEST(a_group_without_visible_culprit_is_told_too)
{
	ck_assert_int_eq(vfio_sysfs_not_viable(fake_tree_path(""), 7, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, "not viable"));
	ck_assert_int_eq(vfio_sysfs_not_viable(fake_tree_path(""), 99, &err), -EPERM);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, all_ways_to_name_a_device);
	tcase_add_test(tests, what_is_no_address_is_refused);
	tcase_add_test(tests, a_missing_device_is_told);
	tcase_add_test(tests, a_folder_elsewhere_is_no_device);
	tcase_add_test(tests, another_kind_of_device_is_told);
	tcase_add_test(tests, no_iommu_group_means_no_iommu);
	tcase_add_test(tests, a_group_without_an_iommu_is_refused);
	tcase_add_test(tests, a_group_that_is_no_number_is_told);
	tcase_add_test(tests, a_host_driver_is_named_with_the_way_out);
	tcase_add_test(tests, bar_sizes_are_read);
	tcase_add_test(tests, members_in_the_way_are_named);
	tcase_add_test(tests, many_members_in_the_way_still_make_a_sentence);
	tcase_add_test(tests, a_group_without_visible_culprit_is_told_too);
}

int main(void)
{
	return run_suite("vfio sysfs", add_tests);
}
