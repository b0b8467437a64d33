/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers in words: config space, MSI-X tables, controllers of a standard class, a user's table.
 */

#include <check.h>
#include <unistd.h>

#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"
#include "tests/unit/vfio/tell/test_trace.h"

START_TEST(every_access_is_told_in_words)
{
	start_traced();
	/* The file and INTx's two relays beside what every device has. */
	ck_assert_uint_eq(vfio_pci_descriptors(bench.pci, NULL, 0, 0), 8 + 3);
	config_read(PCI_VENDOR_ID, 4);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	config_write(0x72, 2, 0x8000);
	config_write(0x44, 2, 0);
	config_read(0x104, 4);
	config_read(0x128, 4);
	config_read(0x184, 4);
	guest_write(bar(0) + 0x3000 + 3 * 16 + 12, 4, 0);
	guest_write(bar(0) + 8, 2, 0xbeef);
	guest_read(bar(0) + 8, 4);
	/* Nothing is mapped: the monitor sees it all. */
	ck_assert_uint_eq(bench.mapped_count, 0);
	stop_traced();
	told("# device 0000:01:00.0");
	told("config  read  0x0000+4  0x10d38086  Vendor ID, Device ID\n");
	told("config  write 0x0004+2  0x0006  Command: memory master\n");
	told("config  write 0x0072+2  0x8000  MSI-X Message Control: enable\n");
	told("config  write 0x0044+2  0x0000  Power Management Control/Status: D0\n");
	told("config  read  0x0104+4  0x00000000  Advanced Error Reporting Uncorrectable Status\n");
	told("config  read  0x0128+4  0x00000000  Advanced Error Reporting Header Log\n");
	told("config  read  0x0184+4  0x00000000  Device Serial Number +0x4\n");
	told("bar0    write 0x303c+4  0x00000000  MSI-X vector 3 control: unmasked\n");
	told("bar0    write 0x0008+2  0xbeef\n");
	told("bar0    read  0x0008+4  0x0000beef\n");
	told("device  given back to the host\n");
}
END_TEST

START_TEST(registers_of_a_standard_class_have_names)
{
	fake_vfio_poke(&bench.fake, CONFIG, PCI_CLASS_REVISION, 4, 0x01080202);
	start_traced();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	guest_write(bar(0) + 0x14, 4, 0x00460001);
	guest_write(bar(0) + 0x1000 + 12, 4, 5);
	stop_traced();
	told("NVMe CC: enable\n");
	told("NVMe doorbell, completion queue 1\n");
}
END_TEST

START_TEST(registers_have_the_names_that_the_user_gives)
{
	char table[64];

	scratch_file(path, "let n = 8 & 0xff\n0x08 STATE 5:up\nbase n\n0x10 RING\n", 49);
	strcpy(table, path);
	bench.options.names = table;
	fake_vfio_poke(&bench.fake, 0, 8, 4, 0x20);
	start_traced();
	unlink(table);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	guest_write(bar(0) + 0x30, 4, 1);
	guest_read(bar(0) + 8, 4);
	guest_write(bar(0) + 0x30, 4, 2);
	guest_write(bar(0) + 0x32, 2, 2);
	guest_write(bar(0) + 0x3000 + 12, 4, 0);
	stop_traced();
	told("bar0    write 0x0030+4  0x00000001\n");
	told("bar0    read  0x0008+4  0x00000020  STATE: up\n");
	told("bar0    write 0x0030+4  0x00000002  RING\n");
	told("bar0    write 0x0032+2  0x0002  RING+0x2\n");
	told("MSI-X vector 0 control: unmasked\n");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, every_access_is_told_in_words);
	tcase_add_test(tests, registers_of_a_standard_class_have_names);
	tcase_add_test(tests, registers_have_the_names_that_the_user_gives);
}

int main(void)
{
	return run_suite("vfio decode", add_tests);
}
