/* SPDX-License-Identifier: BSD-3-Clause */
/* What bind and unbind share: groups, all or nothing, what is printed, wrong arguments. */

#include <check.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_bind.h"

START_TEST(a_whole_group)
{
	tools_add(SOUND, 7, "snd_hda_intel", "1234:0001", "040300");
	tools_add("0000:00:01.0", 7, "pcieport", "8086:1901", "060400");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	has(tools_errors, "IOMMU group 7 is not free yet: 0000:01:00.1 has driver snd_hda_intel: "
			  "ferry bind --group 0000:01:00.0");
	ck_assert_int_eq(bind("--group", NVME, NULL), TOOL_OK);
	ck_assert_str_eq(tools_errors, "");
	ck_assert_str_eq(driver_of(SOUND), "vfio-pci");
	ck_assert_str_eq(driver_of("0000:00:01.0"), "pcieport");
	ck_assert_int_eq(unbind("--group", SOUND, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(SOUND), "snd_hda_intel");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_str_eq(driver_of("0000:00:01.0"), "pcieport");
}
END_TEST

START_TEST(all_or_nothing)
{
	fake.stubborn = NIC;
	ck_assert_int_eq(bind(NVME, NIC, NULL), TOOL_FAILED);
	has(tools_errors, "0000:02:00.0: vfio-pci did not take it, it has no driver");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_str_eq(driver_of(NIC), "e1000e");
	ck_assert_str_eq(override_of(NVME), "");
	ck_assert(!recorded(NVME) && !recorded(NIC));
	ck_assert_int_eq(bind("--json", NIC, NULL), TOOL_FAILED);
	has(tools_out, "\"done\": false");
	has(tools_out, "\"now\": \"e1000e\"");
	has(tools_out, "\"failed\": true");
}
END_TEST

START_TEST(one_that_is_in_use_keeps_all)
{
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	tools_mount("259:0", "/", "ext4", "/dev/root");
	ck_assert_int_eq(bind(NIC, NVME, NULL), TOOL_FAILED);
	ck_assert_str_eq(fake.log, "");
	ck_assert_str_eq(driver_of(NIC), "e1000e");
}
END_TEST

START_TEST(json_tells_how_it_went)
{
	json_t *root, *device;

	ck_assert_int_eq(bind("--json", NVME, NULL), TOOL_OK);
	root = tools_json();
	ck_assert(json_is_true(json_object_get(root, "done")));
	device = json_array_get(json_object_get(root, "devices"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(device, "before")), "nvme");
	ck_assert_str_eq(json_string_value(json_object_get(device, "now")), "vfio-pci");
	ck_assert(json_is_true(json_object_get(device, "changed")));
	json_decref(root);
	ck_assert_int_eq(unbind("--json", NVME, NULL), TOOL_OK);
	json_decref(tools_json());
	tools_add_disk(NVME, "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	tools_mount("259:0", "/home", "ext4", "/dev/nvme0n1");
	ck_assert_int_eq(bind("--json", NVME, NULL), TOOL_FAILED);
	root = tools_json();
	ck_assert(json_is_false(json_object_get(root, "done")));
	device = json_array_get(json_object_get(root, "refusals"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(device, "address")), NVME);
	ck_assert(json_is_true(json_object_get(device, "forceable")));
	ck_assert(json_is_null(json_object_get(root, "error")));
	json_decref(root);
	fake.stubborn = NIC;
	ck_assert_int_eq(bind("--json", NIC, NULL), TOOL_FAILED);
	root = tools_json();
	device = json_array_get(json_object_get(root, "devices"), 0);
	has(json_string_value(json_object_get(device, "reason")), "vfio-pci did not take it");
	device = json_object_get(root, "error");
	ck_assert_int_eq(json_integer_value(json_object_get(device, "status")), TOOL_FAILED);
	has(json_string_value(json_object_get(device, "reason")), "vfio-pci did not take it");
	json_decref(root);
}
END_TEST

START_TEST(wrong_arguments_are_told)
{
	ck_assert_int_eq(bind(NULL, NULL, NULL), TOOL_USAGE);
	has(tools_errors, "no ADDR given: see ferry bind --help");
	ck_assert_int_eq(unbind("--user=lab", NVME, NULL), TOOL_USAGE);
	has(tools_errors, "unknown option '--user=lab': see ferry unbind --help");
	ck_assert_int_eq(bind("--group=7", NVME, NULL), TOOL_USAGE);
	ck_assert_int_eq(bind("0000:77:00.0", NULL, NULL), TOOL_FAILED);
	has(tools_errors, "0000:77:00.0");
	ck_assert_int_eq(bind("eth0", NULL, NULL), TOOL_USAGE);
	ck_assert_int_eq(bind(NVME, "01:00.0", NULL), TOOL_OK); /* twice the same is once */
	ck_assert_int_eq(bind("--help", NULL, NULL), TOOL_OK);
	has(tools_out, "Usage: ferry bind");
	ck_assert_int_eq(unbind("--help", NULL, NULL), TOOL_OK);
	has(tools_out, "Usage: ferry unbind");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, a_whole_group);
	tcase_add_test(tests, all_or_nothing);
	tcase_add_test(tests, one_that_is_in_use_keeps_all);
	tcase_add_test(tests, json_tells_how_it_went);
	tcase_add_test(tests, wrong_arguments_are_told);
}

int main(void)
{
	return run_suite("job", add_tests);
}
