/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a device can be handed to a guest, and the reason why not. */

#include <check.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/tools.h"
#include "tests/unit/vmm/tools/test_devices.h"

/* The passable word of a device, by JSON; static. */
static const char *passable(const char *address)
{
	static char word[32];
	json_t *root, *device;

	ck_assert_int_eq(devices("--json", address), TOOL_OK);
	root = tools_json();
	device = json_array_get(json_object_get(root, "devices"), 0);
	snprintf(word, sizeof(word), "%s", json_string_value(json_object_get(device, "passable")));
	json_decref(root);
	return word;
}

START_TEST(what_stands_in_the_way_is_told)
{
	ck_assert_str_eq(passable(NIC), "ready");
	ck_assert_str_eq(passable(NVME), "after-bind");
	tools_add("0000:01:00.1", 7, "ahci", "1234:0002", "010601");
	ck_assert_str_eq(passable(NVME), "after-bind-group");
	has(tools_out, "ferry bind --group 0000:01:00.0");
	has(tools_out, "0000:01:00.1 of its IOMMU group has driver ahci");

	tools_add_disk("0000:01:00.1", "ata1/sda", "sda", "8:0");
	tools_mount("8:0", "/home", "ext4", "/dev/sda");
	ck_assert_str_eq(passable(NVME), "no");
	has(tools_out, "0000:01:00.1 of its IOMMU group: sda is mounted at /home");
	ck_assert_str_eq(passable("01:00.1"), "no");
	has(tools_out, "\"sda is mounted at /home\"");

	tools_add("0000:03:00.0", 11, "pcieport", "8086:1901", "060400");
	ck_assert_str_eq(passable("03:00.0"), "no");
	has(tools_out, "it is a bridge");
	fake_tree_unlink("bus/pci/devices/" NIC "/iommu_group");
	ck_assert_str_eq(passable(NIC), "no");
	has(tools_out, "in no IOMMU group");
	fake_tree_unlink("bus/pci/devices/" NIC "/driver");
	fake_tree_folder("class/iommu/smmu3.0x0000000009050000");
	ck_assert_str_eq(passable(NIC), "after-bind");
	has(tools_out, "gets its IOMMU group with the first");
}
END_TEST

START_TEST(a_group_without_an_iommu_is_told)
{
	fake_tree_write("kernel/iommu_groups/8/name", "vfio-noiommu\n");
	ck_assert_str_eq(passable(NIC), "no");
	has(tools_out, "no IOMMU confines it");
	has(tools_out, "`ferry doctor 0000:02:00.0`");
	ck_assert_int_eq(devices(NULL, NULL), TOOL_OK);
	has(tools_out, "no: no IOMMU");
}
END_TEST

/* Bound or not; what is not told, as to others than root, is not in the way. */
START_TEST(a_bar_that_the_host_holds_is_told)
{
	fake_tree_write("proc/iomem", "12c0000000-12c01fffff : " NIC "\n"
				      "  12c0000000-12c00fffff : efifb\n");
	ck_assert_str_eq(passable(NIC), "no");
	ck_assert_int_eq(devices(NIC, NULL), TOOL_OK);
	has(tools_out, "BAR 4 is held by efifb (0x12c0000000-0x12c00fffff)");
	fake_tree_write("proc/iomem", "12c0000000-12c01fffff : " NIC "\n"
				      "  12c0000000-12c01fffff : vfio-pci\n");
	ck_assert_str_eq(passable(NIC), "ready");
	fake_tree_write("proc/iomem", "00000000-00000000 : " NIC "\n  00000000-00000000 : efifb\n");
	ck_assert_str_eq(passable(NIC), "ready");
}
END_TEST

START_TEST(a_bridge_is_known_by_its_header_too)
{
	tools_add("0000:05:00.0", 12, NULL, "1234:0005", "ff0000");
	ck_assert_str_eq(passable("05:00.0"), "after-bind");
	tools_file("0000:05:00.0", "config", "0123456789abcd\x01");
	ck_assert_str_eq(passable("05:00.0"), "no");
}
END_TEST

START_TEST(a_bridge_with_a_driver_stays)
{
	tools_add("0000:00:01.0", 7, "shpchp", "8086:1901", "060400");
	ck_assert_str_eq(passable(NVME), "no");
	has(tools_out, "has the bridge 0000:00:01.0 with driver shpchp");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, what_stands_in_the_way_is_told);
	tcase_add_test(tests, a_group_without_an_iommu_is_told);
	tcase_add_test(tests, a_bar_that_the_host_holds_is_told);
	tcase_add_test(tests, a_bridge_is_known_by_its_header_too);
	tcase_add_test(tests, a_bridge_with_a_driver_stays);
}

int main(void)
{
	return run_suite("passable", add_tests);
}
