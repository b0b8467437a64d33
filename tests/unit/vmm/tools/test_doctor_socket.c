/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry doctor` of servers of vfio-user: what would keep a run from starting with one. */

#include <check.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/support/user_listener.h"
#include "tests/unit/vmm/tools/test_doctor.h"

static const char *path;

static void set_up(void)
{
	setup();
	path = listener_set_up();
}

static void tear_down(void)
{
	listener_tear_down();
	tools_teardown();
}

/* An IOMMU is nothing that it needs. */
START_TEST(all_is_well)
{
	listener_begin();
	ck_assert_msg(doctor(path, NULL, NULL) == TOOL_OK, "%s", tools_out);
	has(tools_out, "a.sock server: it answers, in version 0.1 of vfio-user\n");
	has(tools_out, "a.sock device: 144d:a808");
	has(tools_out, "a.sock BARs: BAR 0 4K, memory, by messages; BAR 4 16K, memory, 64-bit, "
		       "prefetchable, 8K of it mapped\n");
	has(tools_out, "a.sock interrupts: MSI-X with a table of 5, no INTx\n");
	has(tools_out, "a.sock reset: by a message\n");
	has(tools_out, "a.sock limits: a message has up to 8 descriptors");
	has(tools_out, "BARs of 4 KiB below 4 GiB and 16 KiB above find their places");
	has(tools_out, "ferry run would start (failures: 0, warnings: 0)\n");
}
END_TEST

START_TEST(json_has_its_facts)
{
	json_t *root, *finding, *limits = NULL;
	size_t i;

	listener_begin();
	ck_assert_int_eq(doctor("--json", path, NULL), TOOL_OK);
	root = tools_json();
	json_array_foreach(json_object_get(root, "findings"), i, finding)
		if (strcmp(json_string_value(json_object_get(finding, "check")), "limits") == 0)
			limits = json_object_get(json_object_get(finding, "facts"), "limits");
	ck_assert_int_eq(json_integer_value(json_object_get(limits, "max_dma_maps")), 65535);
	json_decref(root);
}
END_TEST

START_TEST(a_host_without_an_iommu_is_enough)
{
	fake_tree_write("kernel/iommu_groups/7/reserved_regions", "");
	listener_begin();
	ck_assert_int_eq(doctor(path, NULL, NULL), TOOL_OK);
}
END_TEST

START_TEST(a_server_that_says_what_no_run_takes)
{
	listener.server.not_pci = true;
	listener_begin();
	ck_assert_int_eq(doctor(path, NULL, NULL), TOOL_FAILED);
	has(tools_out, "a.sock device: its server says that it is no PCI device\n");
}
END_TEST

START_TEST(larger_pages_than_those_of_ram)
{
	listener.server.pages = 1 << 21;
	listener_begin();
	ck_assert_int_eq(doctor(path, NULL, NULL), TOOL_FAILED);
	has(tools_out, "mappings in pages of 2M or more, which are larger than those of guest RAM");
	has(tools_out, "mend it: ferry run --memory SIZE,hugepages=2M\n");
}
END_TEST

START_TEST(a_server_without_a_reset_or_room_for_descriptors)
{
	listener.server.no_fds = true;
	listener.server.no_reset = true;
	listener_begin();
	ck_assert_int_eq(doctor(path, NULL, NULL), TOOL_OK);
	has(tools_out, "a.sock reset: its server offers none");
	has(tools_out, "no INTx, but its server takes no descriptors (max_msg_fds)");
	has(tools_out, "warnings: 2)");
}
END_TEST

START_TEST(a_server_that_misbehaves)
{
	listener.server.at = COMMAND_REGION_INFO;
	listener.server.fault = USER_FAULT_DIES;
	listener_begin();
	ck_assert_int_eq(doctor(NVME, path, NULL), TOOL_FAILED);
	has(tools_out, "a.sock: its server has ended the connection\n");
	has(tools_out, "ferry run would not start (failures: 1, warnings: 0)\n");
	ck_assert_str_eq(tools_errors, "");
}
END_TEST

START_TEST(nobody_listens)
{
	close(listener.socket);
	listener.socket = -1;
	ck_assert_int_eq(doctor(path, NULL, NULL), TOOL_FAILED);
	has(tools_out, "no server listens there: start it first\n");
	ck_assert_int_eq(doctor("socket=", NULL, NULL), TOOL_USAGE);
}
END_TEST

START_TEST(one_is_named_once)
{
	listener_begin();
	ck_assert_int_eq(doctor(path, path, NULL), TOOL_FAILED);
	has(tools_out, "a.sock server: it was given twice: name it once\n");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, all_is_well);
	tcase_add_test(tests, json_has_its_facts);
	tcase_add_test(tests, a_host_without_an_iommu_is_enough);
	tcase_add_test(tests, a_server_that_says_what_no_run_takes);
	tcase_add_test(tests, larger_pages_than_those_of_ram);
	tcase_add_test(tests, a_server_without_a_reset_or_room_for_descriptors);
	tcase_add_test(tests, a_server_that_misbehaves);
	tcase_add_test(tests, nobody_listens);
	tcase_add_test(tests, one_is_named_once);
}

int main(void)
{
	return run_suite("the doctor and vfio-user", add_tests);
}
