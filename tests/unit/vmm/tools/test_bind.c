/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry bind`: there and back, and what no force helps against. */

#include <check.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_bind.h"

START_TEST(there_and_back)
{
	ck_assert_msg(bind("01:00.0", NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_str_eq(tools_out, "ADDRESS       BEFORE  NOW\n"
				    "0000:01:00.0  nvme    vfio-pci\n");
	ck_assert_str_eq(tools_errors, "");
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
	ck_assert(recorded(NVME));
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK); /* again: nothing to do */
	ck_assert_msg(unbind(NVME, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	has(tools_out, "0000:01:00.0  vfio-pci  nvme\n");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_str_eq(override_of(NVME), "");
	ck_assert(!recorded(NVME));
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

START_TEST(what_no_force_helps_against)
{
	tools_add("0000:00:01.0", 7, "pcieport", "8086:1901", "060400");
	ck_assert_int_eq(bind("--force", "00:01.0", NULL), TOOL_FAILED);
	has(tools_errors, "it is a bridge");
	fake_tree_unlink("bus/pci/devices/" NVME "/iommu_group");
	ck_assert_int_eq(bind("--force", NVME, NULL), TOOL_FAILED);
	has(tools_errors, "it is in no IOMMU group");
	has_not(tools_errors, "give --force");
	/* Nor is it offered for what it would help against, were that all. */
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	tools_mount("259:0", "/data", "ext4", "/dev/root");
	refused(NVME, "nvme0n1 is mounted at /data: stop that first\n");
	fake_tree_unlink("bus/pci/devices/" NIC "/driver_override");
	refused(NIC, "driver_override: No such file or directory: be root");
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

START_TEST(no_iommu_makes_no_device_fit)
{
	tools_add("0000:03:00.0", 9, "vfio-pci", "144d:a808", "010802");
	fake_tree_write("kernel/iommu_groups/9/name", "vfio-noiommu\n");
	ck_assert_int_eq(bind("--force", "03:00.0", NULL), TOOL_FAILED);
	has(tools_errors, "no IOMMU confines it");
	has(tools_errors, "ferry doctor 0000:03:00.0");
	has_not(tools_errors, "give --force");
	fake.choice = "nvme";
	ck_assert_int_eq(unbind("03:00.0", NULL, NULL), TOOL_OK);
}
END_TEST

START_TEST(functions_of_one_device)
{
	tools_file(NIC, "sriov_numvfs", "4\n");
	ck_assert_int_eq(bind("--force", NIC, NULL), TOOL_FAILED);
	has(tools_errors, "bind " NIC ": refused: 4 virtual functions of it are on, and vfio-pci "
			  "takes it without them only: "
			  "echo 0 > /sys/bus/pci/devices/" NIC "/sriov_numvfs\n");
	fake_tree_link("bus/pci/devices/" NVME "/physfn", "../" NIC);
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(tools_errors, "");
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	fake_tree_unlink("bus/pci/devices/" NIC "/driver");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	has(tools_errors,
	    NVME ": its physical function " NIC " has no driver, without which it may "
		 "not work\n");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, there_and_back);
	tcase_add_test(tests, what_no_force_helps_against);
	tcase_add_test(tests, functions_of_one_device);
	tcase_add_test(tests, no_iommu_makes_no_device_fit);
}

int main(void)
{
	return run_suite("bind", add_tests);
}
