/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry bind` and `ferry unbind` over made-up hosts: there and back, and failures half way. */

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_bind.h"
#include "vmm/base/bits.h"

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

START_TEST(in_the_order_that_lets_no_other_driver_in)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(fake.log, "bus/pci/devices/" NVME "/driver_override=vfio-pci\n"
				   "bus/pci/devices/" NVME "/driver/unbind=" NVME "\n"
				   "bus/pci/drivers_probe=" NVME "\n");
}
END_TEST

START_TEST(one_without_a_driver_gets_none_back)
{
	tree_unlink("bus/pci/devices/" NVME "/driver");
	fake.choice = "e1000e";
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "");
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

START_TEST(a_driver_that_went_is_loaded_again)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(rmdir(tree_path("bus/pci/drivers/nvme")), 0);
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	has(fake.log, "modprobe=nvme\n");
	ck_assert_str_eq(driver_of(NVME), "nvme");
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

START_TEST(modules_are_loaded_when_needed)
{
	ck_assert_int_eq(rmdir(tree_path("bus/pci/drivers/vfio-pci")), 0);
	ck_assert_int_eq(rmdir(tree_path("module/vfio_iommu_type1")), 0);
	tree_write("modules/modules.dep", "kernel/drivers/vfio/vfio_iommu_type1.ko:\n");
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

START_TEST(what_no_force_helps_against)
{
	tools_add("0000:00:01.0", 7, "pcieport", "8086:1901", "060400");
	ck_assert_int_eq(bind("--force", "00:01.0", NULL), TOOL_FAILED);
	has(tools_errors, "it is a bridge");
	tree_unlink("bus/pci/devices/" NVME "/iommu_group");
	ck_assert_int_eq(bind("--force", NVME, NULL), TOOL_FAILED);
	has(tools_errors, "it is in no IOMMU group");
	has_not(tools_errors, "give --force");
	tree_unlink("bus/pci/devices/" NIC "/driver_override");
	refused(NIC, "driver_override: No such file or directory: be root");
	ck_assert_str_eq(driver_of(NVME), "nvme");
}
END_TEST

START_TEST(no_iommu_makes_no_device_fit)
{
	tools_add("0000:03:00.0", 9, "vfio-pci", "144d:a808", "010802");
	tree_write("kernel/iommu_groups/9/name", "vfio-noiommu\n");
	ck_assert_int_eq(bind("--force", "03:00.0", NULL), TOOL_FAILED);
	has(tools_errors, "no IOMMU confines it");
	has(tools_errors, "ferry doctor 0000:03:00.0");
	has_not(tools_errors, "give --force");
	fake.choice = "nvme";
	ck_assert_int_eq(unbind("03:00.0", NULL, NULL), TOOL_OK);
}
END_TEST

START_TEST(a_group_that_comes_with_the_driver)
{
	tree_unlink("bus/pci/devices/" NVME "/driver");
	tree_unlink("bus/pci/devices/" NVME "/iommu_group");
	tree_folder("class/iommu/smmu3.0x0000000009050000");
	/* Where even vfio-pci brings none, all is as before. */
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "it is in no IOMMU group with vfio-pci either");
	ck_assert_str_eq(driver_of(NVME), "");
	fake.late_group = NVME;
	ck_assert_msg(bind(NVME, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
}
END_TEST

/* Process 77's descriptor 5 leads to @target. */
static void opens(const char *target)
{
	tree_folder("proc/77/fd");
	tree_folder("proc/77/fdinfo");
	tree_link("proc/77/fd/5", target);
	tree_write("proc/77/fdinfo/5", "pos:\t0\nflags:\t0100002\nmnt_id:\t9\n");
	tree_write("proc/77/comm", "fer\x1b[1mry\n");
}

START_TEST(a_guest_in_the_way)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	tree_link("dev/vfio/7", "/dev/null");
	opens("/dev/null");
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "process 77 (fer?[1mry) uses its IOMMU group: end that first");
	ck_assert_str_eq(driver_of(NVME), "vfio-pci");
	/* Anybody may get a descriptor that only names the node. */
	tree_write("proc/77/fdinfo/5", "pos:\t0\nflags:\t012000000\nmnt_id:\t9\n");
	ck_assert_msg(unbind(NVME, NULL, NULL) == TOOL_OK, "%s", tools_errors);
}
END_TEST

START_TEST(nobody_poses_as_a_guest)
{
	char node[PATH_MAX];

	/* A file of that name, such as in a mount namespace of one's own; another device. */
	snprintf(node, sizeof(node), "%s", tree_path("dev/vfio/7"));
	tree_write("dev/vfio/7", "");
	opens(node);
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_msg(unbind(NVME, NULL, NULL) == TOOL_OK, "%s", tools_errors);
	tree_unlink("dev/vfio/7");
	tree_unlink("proc/77/fd/5");
	tree_link("dev/vfio/7", "/dev/null");
	tree_link("proc/77/fd/5", "/dev/full");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_msg(unbind(NVME, NULL, NULL) == TOOL_OK, "%s", tools_errors);
}
END_TEST

START_TEST(records_are_trusted_only_where_nobody_else_writes)
{
	tree_folder("run/ferry");
	ck_assert_int_eq(chmod(tree_path("run/ferry"), 0777), 0);
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_FAILED);
	has(tools_errors, "run/ferry/lock: Operation not permitted: the folder must be root's");
	ck_assert_str_eq(driver_of(NVME), "nvme");
	ck_assert_int_eq(rmdir(tree_path("run/ferry")), 0);
	tree_folder("elsewhere");
	tree_link("run/ferry", "../elsewhere");
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_FAILED);
	tree_unlink("run/ferry");

	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_int_eq(chmod(tree_path("run/ferry"), 0777), 0);
	fake.choice = "e1000e";
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	has(tools_errors, "is not used");
	ck_assert_str_eq(driver_of(NVME), "e1000e");
}
END_TEST

START_TEST(garbled_records_are_not_used)
{
	static const char *const texts[] = {"",
					    "rubbish",
					    "driver nvme",
					    "driver nvme\noverride",
					    "driver ../../x\noverride \ndevice 144d:a808\n",
					    "driver ..\noverride \ndevice 144d:a808\n",
					    "driver nvme\noverride a/b\ndevice 144d:a808\n",
					    "driver -r\noverride \ndevice 144d:a808\n",
					    "driver nvme\noverride \ndevice 144d\n"};
	char huge[5000];

	fake.choice = "e1000e";
	for (size_t i = 0; i <= ARRAY_SIZE(texts); i++) {
		ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
		memset(huge, 'x', sizeof(huge) - 1);
		huge[sizeof(huge) - 1] = '\0';
		tree_write("run/ferry/" NVME, i < ARRAY_SIZE(texts) ? texts[i] : huge);
		ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
		has(tools_errors, "is not used");
		ck_assert_str_eq(driver_of(NVME), "e1000e");
	}
}
END_TEST

START_TEST(a_record_of_another_device_is_void)
{
	ck_assert_int_eq(bind(NVME, NULL, NULL), TOOL_OK);
	tools_file(NVME, "device", "0xa80a\n");
	fake.choice = "e1000e";
	ck_assert_int_eq(unbind(NVME, NULL, NULL), TOOL_OK);
	ck_assert_str_eq(driver_of(NVME), "e1000e");
	ck_assert(!recorded(NVME));
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
	tools_file(NVME, "sriov_numvfs", "2\n");
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
	ck_assert_int_eq(unbind("--force", NVME, NULL), TOOL_USAGE);
	has(tools_errors, "unknown option '--force': see ferry unbind --help");
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
	tcase_add_test(tests, there_and_back);
	tcase_add_test(tests, in_the_order_that_lets_no_other_driver_in);
	tcase_add_test(tests, one_without_a_driver_gets_none_back);
	tcase_add_test(tests, an_override_is_restored);
	tcase_add_test(tests, without_a_record_the_kernel_chooses);
	tcase_add_test(tests, a_driver_that_went_is_loaded_again);
	tcase_add_test(tests, a_driver_that_takes_nothing_back_is_told);
	tcase_add_test(tests, a_whole_group);
	tcase_add_test(tests, modules_are_loaded_when_needed);
	tcase_add_test(tests, all_or_nothing);
	tcase_add_test(tests, one_that_is_in_use_keeps_all);
	tcase_add_test(tests, a_file_that_cannot_be_written_is_told);
	tcase_add_test(tests, what_no_force_helps_against);
	tcase_add_test(tests, no_iommu_makes_no_device_fit);
	tcase_add_test(tests, a_group_that_comes_with_the_driver);
	tcase_add_test(tests, a_guest_in_the_way);
	tcase_add_test(tests, nobody_poses_as_a_guest);
	tcase_add_test(tests, records_are_trusted_only_where_nobody_else_writes);
	tcase_add_test(tests, garbled_records_are_not_used);
	tcase_add_test(tests, a_record_of_another_device_is_void);
	tcase_add_test(tests, json_tells_how_it_went);
	tcase_add_test(tests, wrong_arguments_are_told);
}

int main(void)
{
	return run_suite("tool bind", add_tests);
}
