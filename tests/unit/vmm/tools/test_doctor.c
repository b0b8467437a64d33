/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ferry doctor`: all is well, what is told as JSON, devices that are not there, wrong arguments.
 */

#include <check.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/tools/test_doctor.h"
#include "vmm/tools/doctor.h"

START_TEST(all_is_well)
{
	ck_assert_msg(doctor(NVME, NULL, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "ok       KVM: it makes machines with 36 bits");
	has(tools_out, "ok       IOMMU: it is on: 1 groups");
	has(tools_out, "ok       interrupt remapping: it is on");
	has(tools_out, "ok       module: vfio is there");
	has(tools_out, "ok       0000:01:00.0 driver: vfio-pci has it");
	has(tools_out, "ok       0000:01:00.0 group: IOMMU group 7, alone");
	has(tools_out, "ok       0000:01:00.0 reset: flr bus");
	has(tools_out, "ok       0000:01:00.0 reserved regions: 2,");
	has(tools_out, "ok       layout: 512 MiB");
	has(tools_out, "ferry run would start (failures: 0, warnings: 0)\n");
	has_not(tools_out, "mend it");
}
END_TEST

/* The facts of the finding of @check, of those the one where @key is @value. */
static json_t *fact_of(json_t *root, const char *check, const char *key, const char *value)
{
	json_t *finding, *facts;
	size_t i;

	json_array_foreach(json_object_get(root, "findings"), i, finding) {
		if (strcmp(json_string_value(json_object_get(finding, "check")), check) != 0)
			continue;
		facts = json_object_get(finding, "facts");
		if (!key || strcmp(json_string_value(json_object_get(facts, key)), value) == 0)
			return facts;
	}
	ck_abort_msg("no %s with %s in:\n%s", check, key ? value : "facts", tools_out);
}

START_TEST(json_holds_every_finding)
{
	json_t *root, *finding;

	ck_assert_int_eq(doctor("--json", NVME, NULL), TOOL_OK);
	root = tools_json();
	ck_assert(json_is_true(json_object_get(root, "would_start")));
	finding = json_array_get(json_object_get(root, "findings"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(finding, "status")), "ok");
	ck_assert_str_eq(json_string_value(json_object_get(finding, "check")), "KVM");
	ck_assert(json_is_null(json_object_get(finding, "device")));
	finding = fact_of(root, "module", "module", "vfio_iommu_type1");
	ck_assert_str_eq(json_string_value(json_object_get(finding, "state")), "there");
	finding = fact_of(root, "free memory", "whose", "the host");
	ck_assert_int_eq(json_integer_value(json_object_get(finding, "asked_bytes")), 512 << 20);
	ck_assert_int_eq(json_integer_value(json_object_get(finding, "available_bytes")),
			 80000000LL << 10);
	finding = fact_of(root, "driver", "driver", "vfio-pci");
	finding = fact_of(root, "layout", NULL, NULL);
	ck_assert_int_eq(json_integer_value(json_object_get(finding, "ram_pieces")), 1);
	finding = fact_of(root, "IOVA ranges", NULL, NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(finding, "ranges")), 2);
	json_decref(root);
	fake.open_fails = -EACCES;
	ck_assert_int_eq(doctor("--json", NVME, NULL), TOOL_FAILED);
	root = tools_json();
	ck_assert(json_is_false(json_object_get(root, "would_start")));
	finding = json_array_get(json_object_get(root, "findings"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(finding, "status")), "failure");
	ck_assert_str_eq(json_string_value(json_object_get(finding, "mend")),
			 "usermod -aG kvm USER (then log in again)");
	json_decref(root);
}
END_TEST

START_TEST(devices_that_are_not_there)
{
	ck_assert_int_eq(doctor("77:00.0", NVME, NULL), TOOL_FAILED);
	has(tools_out, "failure  0000:77:00.0 device: this host has none there\n"
		       "         mend it: ferry devices (lists those that are)\n");
	ck_assert_int_eq(doctor(NVME, "01:00.0", NULL), TOOL_FAILED);
	has(tools_out, "it was given twice");
	ck_assert_int_eq(doctor("eth0", NULL, NULL), TOOL_USAGE);
	has(tools_errors, "not a PCI address");
	ck_assert_str_eq(tools_out, "");
}
END_TEST

/* A run takes them, and looks at what nobody can see from outside. */
START_TEST(mediated_devices_are_left_to_a_run)
{
	static const char name[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
	char path[PATH_MAX];

	ck_assert_int_eq(doctor(name, NULL, NULL), TOOL_FAILED);
	has(tools_out, "failure  83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 device: this host has none");
	has_not(tools_out, "ferry devices");
	fake_tree_folder("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	fake_tree_link("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/subsystem",
		       "../../../../bus/mdev");
	fake_tree_link("bus/mdev/devices/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001/iommu_group",
		       "../../../../kernel/iommu_groups/8");
	ck_assert_msg(doctor(name, NVME, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "warning  83b8f4f2-509f-382f-3c1e-e6bfe0fa1001 device: it is no PCI device");
	/*
	 * What has a PCI device's name and is none is no device of VFIO's, nor what has no group.
	 */
	fake_tree_folder("elsewhere/0000:03:00.0");
	snprintf(path, sizeof(path), "%s", fake_tree_path("elsewhere/0000:03:00.0"));
	ck_assert_int_eq(doctor(path, NULL, NULL), TOOL_FAILED);
	fake_tree_folder("elsewhere/eth0");
	snprintf(path, sizeof(path), "%s", fake_tree_path("elsewhere/eth0"));
	ck_assert_int_eq(doctor(path, NULL, NULL), TOOL_FAILED);
}
END_TEST

static void wrong(const char *option, const char *sentence)
{
	ck_assert_int_eq(doctor(option, NVME, NULL), TOOL_USAGE);
	has(tools_errors, sentence);
	ck_assert_str_eq(tools_out, "");
}

/* As when there was no memory for the first. */
START_TEST(without_a_finding_nothing_is_mended)
{
	struct doctor found = {0};

	doctor_mend(&found, "turn it %s", "on");
	doctor_mend_by(&found, " (then log in again)", "%s", "true");
	doctor_fact_number(&found, "count", 1);
	ck_assert_uint_eq(found.finding_count, 0);
}
END_TEST

START_TEST(wrong_arguments_are_told)
{
	wrong("--memory=lots", "--memory: 'lots': not a size");
	wrong("--memory=4K", "too small");
	wrong("--memory=4096", "--memory: '4096': it has no unit: write 4096M");
	wrong("--memory=1025.5K", "not a multiple of the page size");
	wrong("--hugepages=4M", "--hugepages: '4M': huge pages are of 2M or 1G");
	wrong("--hugepages=2", "--hugepages: '2': it has no unit: write 2M");
	wrong("--vfio=01:00.0", "'--vfio=01:00.0': devices are named without one: see");
	wrong("-smp", "unknown option '-smp': it is for ferry run: Ferry's word is --cpus N: see "
		      "ferry doctor --help");
	wrong("-m", "unknown option '-m': Ferry's word is --memory SIZE");
	wrong("-memory=1G", "unknown option '-memory=1G': it has two dashes: see");
	wrong("--device", "'--device': devices are named without one: see");
	wrong("--memory=1G,hugepages=2M", "it takes a size alone; huge pages are --hugepages 2M");
	wrong("--group", "unknown option '--group': see ferry doctor --help");
	ck_assert_int_eq(doctor("--memory", NULL, NULL), TOOL_USAGE);
	has(tools_errors, "--memory: needs a value: see ferry doctor --help");
	ck_assert_int_eq(doctor("--memory=3M", "--hugepages=2M", NULL), TOOL_USAGE);
	ck_assert_int_eq(doctor("--help", NULL, NULL), TOOL_OK);
	has(tools_out, "Usage: ferry doctor");
	ck_assert_int_eq(doctor(NVME, "-h", NULL), TOOL_OK);
	has(tools_out, "Usage: ferry doctor");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, all_is_well);
	tcase_add_test(tests, json_holds_every_finding);
	tcase_add_test(tests, devices_that_are_not_there);
	tcase_add_test(tests, mediated_devices_are_left_to_a_run);
	tcase_add_test(tests, without_a_finding_nothing_is_mended);
	tcase_add_test(tests, wrong_arguments_are_told);
}

int main(void)
{
	return run_suite("doctor", add_tests);
}
