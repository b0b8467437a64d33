/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's way from one driver to another: the order of the writes, modules, overrides. */

#include <check.h>
#include <errno.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_bind.h"

START_TEST(in_the_order_that_lets_no_other_driver_in)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(fake.log, "bus/pci/devices/" NVME "/driver_override=vfio-pci\n"
				   "bus/pci/devices/" NVME "/driver/unbind=" NVME "\n"
				   "bus/pci/drivers_probe=" NVME "\n");
}
END_TEST

START_TEST(an_override_is_restored)
{
	tools_file(NVME, "driver_override", "nvme\n");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(override_of(NVME), "nvme");
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

START_TEST(a_driver_that_went_is_loaded_again)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(rmdir(fake_tree_path("bus/pci/drivers/nvme")), 0);
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	has(fake.log, "modprobe=nvme\n");
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

START_TEST(modules_are_loaded_when_needed)
{
	ck_assert_int_eq(rmdir(fake_tree_path("bus/pci/drivers/vfio-pci")), 0);
	ck_assert_int_eq(rmdir(fake_tree_path("module/vfio_iommu_type1")), 0);
	fake_tree_write("modules/modules.dep", "kernel/drivers/vfio/vfio_iommu_type1.ko:\n");
	fake.modprobe_fails = -EIO;
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "modprobe vfio-pci failed");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	fake.modprobe_fails = 0;
	fake.log[0] = '\0';
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	has(fake.log, "modprobe=vfio_iommu_type1\nmodprobe=vfio-pci\n");
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_told)
{
	fake.deaf = NIC "/driver_override";
	ck_assert_int_eq(bind(NVME, NIC, NULL), TOOL_FAILED);
	has(tools_errors, "driver_override: Permission denied");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_str_eq(driver_of(NIC), "e1000e");
	fake.deaf = NIC "/driver/unbind";
	ck_assert_int_eq(bind(NVME, NIC, NULL), TOOL_FAILED);
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_str_eq(driver_of(NIC), "e1000e");
	ck_assert_str_eq(override_of(NIC), "");
}
END_TEST

START_TEST(a_group_that_comes_with_the_driver)
{
	fake_tree_unlink("bus/pci/devices/" NVME "/driver");
	fake_tree_unlink("bus/pci/devices/" NVME "/iommu_group");
	fake_tree_folder("class/iommu/smmu3.0x0000000009050000");
	/* Where even vfio-pci brings none, all is as before. */
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "it is in no IOMMU group with vfio-pci either");
	ck_assert_str_eq(driver_of(NVME), "");
	fake.late_group = NVME;
	ck_assert_msg(bind(NVME, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, in_the_order_that_lets_no_other_driver_in);
	tcase_add_test(tests, an_override_is_restored);
	tcase_add_test(tests, a_driver_that_went_is_loaded_again);
	tcase_add_test(tests, modules_are_loaded_when_needed);
	tcase_add_test(tests, a_file_that_cannot_be_written_is_told);
	tcase_add_test(tests, a_group_that_comes_with_the_driver);
}

int main(void)
{
	return run_suite("rebind", add_tests);
}
