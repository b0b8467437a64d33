/* SPDX-License-Identifier: BSD-3-Clause */
/* Names from a pci.ids: vendors, devices and classes, and what a garbled one does not do. */

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/support/fake_sysfs.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/tools/pci_ids.h"

static struct pci_names names[3];

static void setup(void)
{
	fake_tree_create();
	names[0] = (struct pci_names){.vendor = 0x144d, .device = 0xa808, .class_code = 0x010802};
	names[1] = (struct pci_names){.vendor = 0x8086, .device = 0x10d3, .class_code = 0x020000};
	names[2] = (struct pci_names){.vendor = 0x8086, .device = 0xffff, .class_code = 0xff0000};
}

static void find_in(const char *text)
{
	char path[128];
	const char *const files[] = {"/nonexistent/pci.ids", path, NULL};

	snprintf(path, sizeof(path), "%s", fake_tree_path("pci.ids"));
	if (text)
		fake_tree_write("pci.ids", text);
	pci_ids_find(files, names, ARRAY_SIZE(names));
}

START_TEST(all_are_found_in_one_pass)
{
	find_in("# a comment\n"
		"144d  Samsung\n"
		"\ta808  NVMe SSD\n"
		"\t\t144d a801  a subsystem\n"
		"\ta809  another\n"
		"\n"
		"8086  Intel\n"
		"\t10d3  82574L\n"
		"C 01  Mass storage\n"
		"\t08  Non-Volatile memory\n"
		"\t\t02  NVM Express\n"
		"C 02  Network\n");
	ck_assert_str_eq(names[0].vendor_name, "Samsung");
	ck_assert_str_eq(names[0].device_name, "NVMe SSD");
	ck_assert_str_eq(names[0].class_name, "Non-Volatile memory");
	ck_assert_str_eq(names[1].vendor_name, "Intel");
	ck_assert_str_eq(names[1].device_name, "82574L");
	ck_assert_str_eq(names[1].class_name, "Network");
	ck_assert_str_eq(names[2].vendor_name, "Intel");
	ck_assert_str_eq(names[2].device_name, "");
	ck_assert_str_eq(names[2].class_name, "Device");
}
END_TEST

START_TEST(without_a_file_there_are_base_classes)
{
	find_in(NULL);
	ck_assert_str_eq(names[0].vendor_name, "");
	ck_assert_str_eq(names[0].class_name, "Mass storage controller");
	ck_assert_str_eq(names[1].class_name, "Network controller");
	ck_assert_str_eq(names[2].class_name, "Device");
}
END_TEST

/* A device's line counts below a vendor's that was understood, and a long line is one line. */
START_TEST(garbled_lines_are_passed_over)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "144d  Samsung\n"
		 "144d0 wrong\n"
		 "\ta808  below a line that is none\n"
		 "8086 one blank\n"
		 "%0*d\n"
		 "8086  \n"
		 "\t10d3  nobody's\n"
		 "8086  Intel",
		 1500, 0);
	find_in(text);
	ck_assert_str_eq(names[0].vendor_name, "Samsung");
	ck_assert_str_eq(names[0].device_name, "");
	ck_assert_str_eq(names[1].vendor_name, "Intel");
	ck_assert_str_eq(names[1].device_name, "");
}
END_TEST

START_TEST(a_long_name_is_cut)
{
	char text[400];

	snprintf(text, sizeof(text), "8086  %0*d\n", 300, 0);
	find_in(text);
	ck_assert_uint_eq(strlen(names[1].vendor_name), NAME_SIZE - 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, fake_tree_remove);
	tcase_add_test(tests, all_are_found_in_one_pass);
	tcase_add_test(tests, without_a_file_there_are_base_classes);
	tcase_add_test(tests, garbled_lines_are_passed_over);
	tcase_add_test(tests, a_long_name_is_cut);
}

int main(void)
{
	return run_suite("pci_ids", add_tests);
}
