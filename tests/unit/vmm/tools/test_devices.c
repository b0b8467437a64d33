/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ferry devices` over made-up hosts: what it tells, in which form, and of what it makes nothing.
 */

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/tools.h"
#include "tests/unit/vmm/tools/test_devices.h"
#include "vmm/base/bits.h"
#include "vmm/config.h"

START_TEST(the_table_has_a_line_for_each)
{
	tools_add("0000:00:1f.3", 9, "a_driver_of_a_rather_long_name", "1234:5678", "040300");
	ck_assert_int_eq(devices(NULL, NULL), TOOL_OK);
	has(tools_out, "ADDRESS       ID ");
	has(tools_out, "0000:01:00.0  144d:a808  nvme ");
	has(tools_out, "after bind  Non-Volatile");
	has(tools_out, "ready       Network controller: I");
	ck_assert(strstr(tools_out, NIC) > strstr(tools_out, NVME));
	ck_assert(strstr(tools_out, NVME) > strstr(tools_out, "0000:00:1f.3"));
}
END_TEST

/* No line is wider than the terminal; the longest is given. */
static size_t lines_fit(size_t width)
{
	size_t longest = 0;

	for (char *line = strtok(tools_out, "\n"); line; line = strtok(NULL, "\n")) {
		ck_assert_msg(strlen(line) <= width, "%zu: %s", strlen(line), line);
		longest = strlen(line) > longest ? strlen(line) : longest;
	}
	return longest;
}

START_TEST(lines_fit_the_terminal_and_are_whole_in_a_pipe)
{
	static const size_t widths[] = {70, 80, 100, 132};

	tools_add("0000:00:1f.3", 9, "a_driver_of_a_rather_long_name", "1234:5678", "040300");
	tools_add("0000:00:1f.4", 9, "another_driver", "1234:5678", "040300");
	ck_assert_int_eq(devices(NULL, NULL), TOOL_OK);
	has(tools_out, "Samsung Electronics Co Ltd NVMe SSD Controller SM981\n");
	has(tools_out, "a_driver_of_a_rather_long_name  9 (+1)");
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		tools_width = widths[i];
		ck_assert_int_eq(devices(NULL, NULL), TOOL_OK);
		has(tools_out, "\n0000:00:1f.3  ");
		has(tools_out, "...");
		ck_assert_uint_eq(lines_fit(widths[i]), widths[i]);
		ck_assert_int_eq(devices("00:1f.3", NVME), TOOL_OK);
		lines_fit(widths[i]);
	}
	tools_width = 60;
	ck_assert_int_eq(devices(NVME, NULL), TOOL_OK);
	has(tools_out, "  IDs          144d:a808, subsystem 0000:0000, class 010802,\n"
		       "               revision 00\n");
	ck_assert_int_eq(tools_run(tool_doctor, "doctor", NVME, NULL), TOOL_FAILED);
	has(tools_out, "\nfailure  0000:01:00.0 driver: nvme has it, not vfio-pci\n"
		       "         mend it: ferry bind 0000:01:00.0\n");
	tools_width = 30;
	ck_assert_int_eq(devices(NVME, NULL), TOOL_OK);
	has(tools_out, "  passable     after\n"
		       "               `ferry bind 0000:01:00.0`:\n"
		       "               driver nvme has\n"
		       "               it\n");
	tools_width = 60;
	ck_assert_int_eq(tools_run(tool_doctor, "doctor", NVME, NULL), TOOL_FAILED);
	lines_fit(79); /* the longest word with its indent: a path of the tests' own folder */
}
END_TEST

START_TEST(help_fits_a_terminal)
{
	static int (*const tools[])(const struct tool *tool, int argc,
				    char **argv) = {tool_devices, tool_doctor, tool_bind,
						    tool_unbind};

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		ck_assert_int_eq(tools_run(tools[i], "tool", "--help", NULL), TOOL_OK);
		lines_fit(80);
	}
	snprintf(tools_out, sizeof(tools_out), "%s", config_help());
	lines_fit(80);
}
END_TEST

START_TEST(one_device_is_told_at_length)
{
	tools_add("0000:01:00.1", 7, NULL, "144d:0001", "010802");
	tools_add("0000:00:01.0", 7, "pcieport", "8086:1901", "060400");
	ck_assert_int_eq(devices("01:00.0", NULL), TOOL_OK);
	has(tools_out, "Samsung Electronics Co Ltd NVMe SSD Controller SM981");
	has(tools_out, "IDs          144d:a808");
	has(tools_out,
	    "group  7, with 0000:00:01.0 (pcieport, a bridge), 0000:01:00.1 (no driver)\n");
	has(tools_out, "resets by    flr bus\n");
	has(tools_out, "BAR 0        64K, memory\n");
	has(tools_out, "BAR 2        32, I/O ports\n");
	has(tools_out, "BAR 4        2M, memory, 64-bit, prefetchable\n");
	has(tools_out, "passable     after `ferry bind 0000:01:00.0`: driver nvme has it\n");
}
END_TEST

START_TEST(json_holds_the_same)
{
	json_t *root, *device, *bar;

	ck_assert_int_eq(devices("--json", NVME), TOOL_OK);
	root = tools_json();
	device = json_array_get(json_object_get(root, "devices"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(device, "vendor")), "144d");
	ck_assert_str_eq(json_string_value(json_object_get(device, "class_name")),
			 "Non-Volatile memory controller");
	ck_assert_int_eq(json_integer_value(json_object_get(device, "iommu_group")), 7);
	ck_assert_str_eq(json_string_value(json_object_get(device, "driver")), "nvme");
	ck_assert_str_eq(json_string_value(json_object_get(device, "command")),
			 "ferry bind 0000:01:00.0");
	ck_assert(json_is_true(json_object_get(device, "resettable")));
	ck_assert_uint_eq(json_array_size(json_object_get(device, "reset_methods")), 2);
	bar = json_array_get(json_object_get(device, "bars"), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(bar, "index")), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(bar, "size")), 2 * MIB);
	ck_assert(json_is_true(json_object_get(bar, "wide")));
	json_decref(root);
}
END_TEST

START_TEST(a_character_device_is_told)
{
	json_t *root, *device;

	ck_assert_int_eq(devices(NIC, NULL), TOOL_OK);
	has_not(tools_out, "  node ");
	fake_tree_add_cdev(NIC, 12);
	ck_assert_int_eq(devices(NIC, NULL), TOOL_OK);
	has(tools_out, "\n  node         ");
	has(tools_out, "/vfio/devices/vfio12\n");
	ck_assert_int_eq(devices("--json", NULL), TOOL_OK);
	root = tools_json();
	device = json_array_get(json_object_get(root, "devices"), 0);
	ck_assert(json_is_null(json_object_get(device, "node")));
	device = json_array_get(json_object_get(root, "devices"), 1);
	has(json_string_value(json_object_get(device, "node")), "/vfio/devices/vfio12");
	json_decref(root);
}
END_TEST

/* Two virtual functions of the disk, of which one has vfio-pci, the other none. */
static void add_functions(void)
{
	tools_add("0000:01:00.1", 9, "vfio-pci", "144d:a808", "010802");
	tools_add("0000:01:00.2", 10, NULL, "144d:a808", "010802");
	tools_file(NVME, "sriov_numvfs", "2\n");
	tools_file(NVME, "sriov_totalvfs", "4\n");
	fake_tree_link("bus/pci/devices/" NVME "/virtfn0", "../0000:01:00.1");
	fake_tree_link("bus/pci/devices/" NVME "/virtfn1", "../0000:01:00.2");
	fake_tree_link("bus/pci/devices/0000:01:00.1/physfn", "../" NVME);
	fake_tree_link("bus/pci/devices/0000:01:00.2/physfn", "../" NVME);
}

START_TEST(a_virtual_function_is_told_with_its_physical_one)
{
	ck_assert_int_eq(devices(NULL, NULL), TOOL_OK);
	has_not(tools_out, "VF OF");
	add_functions();
	ck_assert_int_eq(devices(NULL, NULL), TOOL_OK);
	has(tools_out, "GROUP  VF OF    PASSABLE");
	has(tools_out, "0000:01:00.0  144d:a808  nvme      7      -        no: has VFs ");
	has(tools_out, "0000:01:00.1  144d:a808  vfio-pci  9      01:00.0  ready ");
	tools_width = 80;
	ck_assert_int_eq(devices(NULL, NULL), TOOL_OK);
	has(tools_out, "  01:00.0  ready ");
	tools_width = 0;
	ck_assert_int_eq(devices(NVME, "01:00.1"), TOOL_OK);
	has(tools_out,
	    "  VFs          2 of 4: 0000:01:00.1 (vfio-pci), 0000:01:00.2 (no driver)\n");
	has(tools_out, "  passable     no: 2 virtual functions of it are on, and vfio-pci takes it "
		       "without them only\n");
	has(tools_out, "  VF of        0000:01:00.0 (nvme)\n");
	/* Some vanish while they are read. */
	fake_tree_unlink("bus/pci/devices/" NVME "/virtfn0");
	fake_tree_unlink("bus/pci/devices/" NVME "/driver");
	ck_assert_int_eq(devices(NVME, "01:00.1"), TOOL_OK);
	has(tools_out, "  VFs          2 of 4\n");
	has(tools_out, "  VF of        0000:01:00.0 (no driver)\n");
	tools_file(NVME, "sriov_numvfs", "0\n");
	ck_assert_int_eq(devices(NVME, NULL), TOOL_OK);
	has(tools_out, "  VFs          0 of 4\n");
	has(tools_out, "  passable     after `ferry bind 0000:01:00.0`: it has no driver\n");
}
END_TEST

START_TEST(virtual_functions_as_json)
{
	json_t *root, *device, *functions;

	add_functions();
	ck_assert_int_eq(devices("--json", NVME), TOOL_OK);
	root = tools_json();
	device = json_array_get(json_object_get(root, "devices"), 0);
	functions = json_object_get(device, "virtual_functions");
	ck_assert(json_is_null(json_object_get(device, "physical_function")));
	ck_assert_uint_eq(json_array_size(functions), 2);
	ck_assert_str_eq(json_string_value(
				 json_object_get(json_array_get(functions, 1), "address")),
			 "0000:01:00.2");
	ck_assert(json_is_null(json_object_get(json_array_get(functions, 1), "driver")));
	ck_assert_int_eq(json_integer_value(json_object_get(device, "most_virtual_functions")), 4);
	json_decref(root);
	ck_assert_int_eq(devices("--json", "01:00.2"), TOOL_OK);
	root = tools_json();
	device = json_array_get(json_object_get(root, "devices"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(device, "physical_function")), NVME);
	ck_assert_uint_eq(json_array_size(json_object_get(device, "virtual_functions")), 0);
	json_decref(root);
}
END_TEST

START_TEST(all_of_them_as_json)
{
	json_t *root;

	ck_assert_int_eq(devices("--json", NULL), TOOL_OK);
	root = tools_json();
	ck_assert_uint_eq(json_array_size(json_object_get(root, "devices")), 2);
	json_decref(root);
}
END_TEST

START_TEST(without_pci_ids_there_are_base_classes)
{
	fake_tree_unlink("pci.ids");
	ck_assert_int_eq(devices(NULL, NULL), TOOL_OK);
	has(tools_out, "Mass storage controller\n");
}
END_TEST

START_TEST(a_garbled_pci_ids_does_no_harm)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s", fake_tree_path("pci.ids"));
	file = fopen(path, "w");
	for (unsigned int i = 0; i < 100000; i++)
		putc("\tx\xff  \0c144d"[i % 11], file);
	fputs("\n144d\n144d \n\t\n\t\t\nC\nC 0\n144d  \xff\xfe\n\ta808  ok\n\tzzzz  no", file);
	fclose(file);
	ck_assert_int_eq(devices("--json", NVME), TOOL_OK);
	json_decref(tools_json());
	has(tools_out, "\"vendor_name\": \"??\"");
	has(tools_out, "\"device_name\": \"ok\"");
}
END_TEST

START_TEST(garbled_files_of_a_device_are_as_none)
{
	static const char *const names[] = {"vendor",   "device",   "class",        "revision",
					    "boot_vga", "resource", "sriov_numvfs", "config"};
	static const char *const texts[] = {"", "rubbish\n", "-1\n",
					    "0xffffffffffffffffffffffffffffff\n", "\xff\xff\n"};
	char huge[20000];

	memset(huge, '7', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(texts); j++) {
			tools_file(NVME, names[i], texts[j]);
			ck_assert_int_eq(devices("--json", NVME), TOOL_OK);
			json_decref(tools_json());
		}
		tools_file(NVME, names[i], huge);
		ck_assert_int_eq(devices("--json", NVME), TOOL_OK);
		json_decref(tools_json());
	}
	tools_file(NVME, "reset_method", huge);
	ck_assert_int_eq(devices(NVME, NIC), TOOL_OK);
	has(tools_out, "0000:0000");
}
END_TEST

START_TEST(a_host_without_pci_has_an_empty_table)
{
	fake_tree_remove();
	fake_tree_create();
	ck_assert_int_eq(devices("--json", NULL), TOOL_OK);
	has(tools_out, "\"devices\": []");
	ck_assert_int_eq(devices(NULL, NULL), TOOL_OK);
	has(tools_out, "ADDRESS");
}
END_TEST

START_TEST(wrong_arguments_are_told)
{
	ck_assert_int_eq(devices("--jso", NULL), TOOL_OK); /* getopt takes a beginning */
	ck_assert_int_eq(devices("--yaml", NULL), TOOL_USAGE);
	has(tools_errors, "unknown option '--yaml': see ferry devices --help");
	ck_assert_int_eq(devices("-json", NULL), TOOL_USAGE);
	has(tools_errors, "unknown option '-json': it has two dashes: see ferry devices --help");
	ck_assert_int_eq(devices("--memory=1G", NULL), TOOL_USAGE);
	has(tools_errors, "'--memory=1G': it is for ferry run: Ferry's word is --memory SIZE");
	ck_assert_int_eq(devices("--version", NULL), TOOL_USAGE);
	has(tools_errors, "'--version': `ferry --version` tells it: see ferry devices --help");
	ck_assert_int_eq(devices("-j", NULL), TOOL_USAGE);
	ck_assert_int_eq(devices("--json=1", NULL), TOOL_USAGE);
	has(tools_errors, "takes no value");
	ck_assert_int_eq(devices(NVME, "eth0"), TOOL_USAGE);
	has(tools_errors, "not a PCI address");
	ck_assert_int_eq(devices(NVME, "0000:77:00.0"), TOOL_FAILED);
	ck_assert_str_eq(tools_errors, "ferry: passthrough device 0000:77:00.0: this host has none "
				       "there: ferry devices lists those that are\n");
	ck_assert_str_eq(tools_out, "");
	ck_assert_int_eq(devices("--help", NULL), TOOL_OK);
	has(tools_out, "Usage: ferry devices");
}
END_TEST

/* The error of the JSON that was printed: its status and code, and a part of its reason. */
static void error_is(int status, const char *code, const char *reason)
{
	json_t *root = tools_json(), *error = json_object_get(root, "error");

	ck_assert_int_eq(json_integer_value(json_object_get(error, "status")), status);
	ck_assert_str_eq(json_string_value(json_object_get(error, "code")), code);
	has(json_string_value(json_object_get(error, "reason")), reason);
	has(tools_errors, reason);
	json_decref(root);
}

START_TEST(errors_are_json_too)
{
	ck_assert_int_eq(devices("--json", "77:00.0"), TOOL_FAILED);
	error_is(TOOL_FAILED, "ENOENT", "0000:77:00.0: this host has none there");
	ck_assert_int_eq(devices("--json", "eth0"), TOOL_USAGE);
	error_is(TOOL_USAGE, "EINVAL", "eth0: not a PCI address");
	ck_assert_int_eq(devices("--yaml", "--js"), TOOL_USAGE);
	error_is(TOOL_USAGE, "EINVAL", "unknown option '--yaml'");
	ck_assert_int_eq(tools_run(tool_doctor, "doctor", "--json", "--memory=1", NULL),
			 TOOL_USAGE);
	error_is(TOOL_USAGE, "EINVAL", "it has no unit");
	ck_assert_int_eq(tools_run(tool_doctor, "doctor", "--json", "eth0", NULL), TOOL_USAGE);
	error_is(TOOL_USAGE, "EINVAL", "eth0: not a PCI address");
	ck_assert_int_eq(tools_run(tool_bind, "bind", "--json", NULL), TOOL_USAGE);
	error_is(TOOL_USAGE, "EINVAL", "no ADDR given");
	ck_assert_int_eq(tools_run(tool_bind, "bind", "--json", "77:00.0", NULL), TOOL_FAILED);
	error_is(TOOL_FAILED, "ENOENT", "this host has none there");
	ck_assert_int_eq(tools_run(tool_unbind, "unbind", "--json", "77:0.9", NULL), TOOL_USAGE);
	error_is(TOOL_USAGE, "EINVAL", "not a PCI address");
	ck_assert_int_eq(tools_run(tool_unbind, "unbind", "--json", "77:00.0", NULL), TOOL_FAILED);
	error_is(TOOL_FAILED, "ENOENT", "this host has none there");
}
END_TEST

/* Whoever may name a thing may not speak to the terminal. */
START_TEST(what_others_wrote_is_printable)
{
	static const char *const harmful[] = {"\x1b", "\xff", "\xe2\x80\xae", "\xc2\x9b"};
	static const char *const views[] = {NULL, "0000:03:00.0", "--json"};

	fake_tree_write("pci.ids",
			"144d  Sam\x1b[2Jsung \xff\n\ta808  NVMe \xe2\x80\xae|\xc2\x9b|\n");
	tools_add("0000:03:00.0", 9, "nvme", "144d:a808", "010802");
	tools_add_disk("0000:03:00.0", "nvme/nvme0/nvme0n1", "nvme0n1", "259:0");
	tools_mount("259:0", "/mnt\\033[1m\\012\xff", "ext4", "/dev/nvme0n1");
	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		ck_assert_int_eq(devices(views[i], NULL), TOOL_OK);
		has(tools_out, "Sam?[2Jsung ?");
		for (size_t j = 0; j < ARRAY_SIZE(harmful); j++)
			has_not(tools_out, harmful[j]);
		if (i)
			has(tools_out, "nvme0n1 is mounted at /mnt?[1m??");
	}
	json_decref(tools_json());
}
END_TEST

START_TEST(what_cannot_be_printed_has_failed)
{
	struct tool tool = {.out = fopen("/dev/full", "we")};

	ck_assert_ptr_nonnull(tool.out);
	ck_assert_int_eq(tool_finish(&tool, TOOL_OK), TOOL_OK);
	fputs("a short table\n", tool.out);
	hear();
	ck_assert_int_eq(tool_finish(&tool, TOOL_OK), TOOL_FAILED);
	has(heard(), "could not be printed: No space left on device");
	/* What failed before is told already. */
	ck_assert_int_eq(tool_finish(&tool, TOOL_USAGE), TOOL_USAGE);
	fclose(tool.out);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, tools_teardown);
	tcase_add_test(tests, the_table_has_a_line_for_each);
	tcase_add_test(tests, lines_fit_the_terminal_and_are_whole_in_a_pipe);
	tcase_add_test(tests, help_fits_a_terminal);
	tcase_add_test(tests, one_device_is_told_at_length);
	tcase_add_test(tests, json_holds_the_same);
	tcase_add_test(tests, a_character_device_is_told);
	tcase_add_test(tests, a_virtual_function_is_told_with_its_physical_one);
	tcase_add_test(tests, virtual_functions_as_json);
	tcase_add_test(tests, all_of_them_as_json);
	tcase_add_test(tests, without_pci_ids_there_are_base_classes);
	tcase_add_test(tests, a_garbled_pci_ids_does_no_harm);
	tcase_add_test(tests, garbled_files_of_a_device_are_as_none);
	tcase_add_test(tests, a_host_without_pci_has_an_empty_table);
	tcase_add_test(tests, wrong_arguments_are_told);
	tcase_add_test(tests, errors_are_json_too);
	tcase_add_test(tests, what_others_wrote_is_printable);
	tcase_add_test(tests, what_cannot_be_printed_has_failed);
}

int main(void)
{
	return run_suite("devices", add_tests);
}
