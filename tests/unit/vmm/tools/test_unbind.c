/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry unbind`: what a device gets back, and who is in the way. */

#include <check.h>
#include <limits.h>
#include <stdio.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_bind.h"

START_TEST(one_without_a_driver_gets_none_back)
{
	fake_tree_unlink("bus/pci/devices/" NVME "/driver");
	fake.choice = "e1000e";
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "");
}
END_TEST

START_TEST(without_a_record_the_kernel_chooses)
{
	tools_add("0000:03:00.0", 9, "vfio-pci", "144d:a808", "010802");
	tools_file("0000:03:00.0", "driver_override", "vfio-pci\n");
	fake.choice = "nvme";
	ck_assert_msg(unbind("03:00.0", NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_str_eq(driver_of("0000:03:00.0"), "nvme");
	has(fake.log, "drivers_probe=0000:03:00.0");
}
END_TEST

START_TEST(a_driver_that_takes_nothing_back_is_told)
{
	ck_assert_int_eq(bind(NVME, NIC, NULL), TOOL_OK);
	fake.lost = "nvme";
	ck_assert_int_eq(unbind(NVME, NIC, NULL), TOOL_FAILED);
	has(tools_errors, "0000:01:00.0: driver nvme did not take it back, it has no driver");
	ck_assert_str_eq(driver_of(NIC), "e1000e");
	ck_assert(recorded(NVME) && !recorded(NIC));
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_FAILED); /* and again */
	fake.lost = NULL;
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

/* Process 77's descriptor 5 leads to @target. */
static void opens(const char *target)
{
	fake_tree_folder("proc/77/fd");
	fake_tree_folder("proc/77/fdinfo");
	fake_tree_link("proc/77/fd/5", target);
	fake_tree_write("proc/77/fdinfo/5", "pos:\t0\nflags:\t0100002\nmnt_id:\t9\n");
	fake_tree_write("proc/77/comm", "fer\x1b[1mry\n");
}

START_TEST(a_guest_in_the_way)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	fake_tree_link("dev/vfio/7", "/dev/null");
	opens("/dev/null");
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "process 77 (fer?[1mry) uses its IOMMU group: stop that first, or give "
			  "--force");
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
	ck_assert_msg(unbind("--force", NVME, NULL) == TOOL_OK, "%s", tools_errors);
	has(tools_errors, "process 77 (fer?[1mry) uses its IOMMU group");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	/* Anybody may get a descriptor that only names the node. */
	fake_tree_write("proc/77/fdinfo/5", "pos:\t0\nflags:\t012000000\nmnt_id:\t9\n");
	ck_assert_msg(unbind(NVME, NULL, NULL) == TOOL_OK, "%s", tools_errors);
}
END_TEST

/* Had by iommufd: its own node is open, the group's is not. */
START_TEST(a_guest_by_iommufd_in_the_way)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	fake_tree_add_cdev(NVME, 3);
	fake_tree_folder("dev/char");
	fake_tree_link("dev/char/1:3", "../../bus/pci/devices/" NVME "/vfio-dev/vfio3");
	opens("/dev/null");
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "process 77 (fer?[1mry) has /dev/vfio3 open: stop that first, or give "
			  "--force");
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
	ck_assert_msg(unbind("--force", NVME, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

START_TEST(nobody_poses_as_a_guest)
{
	char node[PATH_MAX];

	/* A file of that name, such as in a mount namespace of one's own; another device. */
	snprintf(node, sizeof(node), "%s", fake_tree_path("dev/vfio/7"));
	fake_tree_write("dev/vfio/7", "");
	opens(node);
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_msg(unbind(NVME, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	fake_tree_unlink("dev/vfio/7");
	fake_tree_unlink("proc/77/fd/5");
	fake_tree_link("dev/vfio/7", "/dev/null");
	fake_tree_link("proc/77/fd/5", "/dev/full");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_msg(unbind(NVME, NULL, NULL) == TOOL_OK, "%s", tools_errors);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, one_without_a_driver_gets_none_back);
	tcase_add_test(tests, without_a_record_the_kernel_chooses);
	tcase_add_test(tests, a_driver_that_takes_nothing_back_is_told);
	tcase_add_test(tests, a_guest_in_the_way);
	tcase_add_test(tests, a_guest_by_iommufd_in_the_way);
	tcase_add_test(tests, nobody_poses_as_a_guest);
}

int main(void)
{
	return run_suite("unbind", add_tests);
}
