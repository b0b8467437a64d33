/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The monitor's commands on devices, interrupts and exits, its help and bad lines, and a guest that
 * runs.
 */

#include "tests/unit/vmm/debug/test_monitor.h"
#include "tests/unit/support/suite.h"

START_TEST(help_has_a_line_for_each_command)
{
	static const char *const names[] = {"help ",     "pci ",   "vfio [ADDR]", "virtio ",
					    "irq ",      "mem ",   "translate",   "physical",
					    "read [-d]", "write ", "powerdown ",  "exits ",
					    "kaslr "};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		says("help", names[i]);
	for (const char *line = answer; line && *line; line = strchr(line, '\n') + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 100);
	says("", "this list");
	says(" \t ", "this list");
}
END_TEST

START_TEST(bad_lines_get_one_sentence)
{
	char line[300];

	says_only("reset",
		  "'reset' is no command: there are help, pci, vfio, virtio, irq, mem, translate, "
		  "physical, read, write, powerdown, exits, kaslr\n");
	says_only("pci x", "pci takes nothing more\n");
	says_only("vfio 1 2", "vfio takes [ADDR]\n");
	says_only("translate", "translate takes ADDR\n");
	says_only("translate 1 2", "translate takes ADDR, or -p ADDR for a physical one\n");
	says_only("read 0", "read takes [-d] ADDR LENGTH[:WIDTH]\n");
	says_only("read -d 0", "read takes [-d] ADDR LENGTH[:WIDTH]\n");
	says_only("read 0 1 2", "read takes [-d] ADDR LENGTH[:WIDTH]\n");
	says_only("write 1 2 3 4 5 6", "write takes [-d] ADDR VALUE[:WIDTH]\n");
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	says_only(line, "the line is too long: 255 characters are the most\n");
}
END_TEST

START_TEST(power_button_is_pressed)
{
	monitor.stands = false;
	says_only("powerdown", "the power button was pressed\n");
	monitor.stands = true;
	says_only("powerdown", "the power button was pressed: the guest sees it when it goes on\n");
	ck_assert_uint_eq(presses, 2);
}
END_TEST

START_TEST(pci_shows_functions_and_bars)
{
	says("pci", "bus 00\n  00:00.0  8086:0d57  host bridge");
	says("pci", "  00:03.0  1234:5678  Ethernet controller     0000:01:00.0   I/O- memory- "
		    "master-\n");
	says("pci", "      BAR 0 mem32              0x00000000c0000000   16 KiB  off: memory is "
		    "off in COMMAND\n"
		    "            +0x0-0x3fff  not decoding; can be mapped\n");
	says("pci", "off: I/O is off in COMMAND\n            +0x0-0x1f  not decoding; trapped\n");
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO | PCI_COMMAND_MASTER);
	says("pci", "I/O+ memory+ master+\n");
	says("pci", "0x00000000c0000000   16 KiB  decodes\n"
		    "            +0x0-0x3fff  mapped, memslot 2\n");
	says("pci", "      BAR 1 io                 0x0000000000001000 32 bytes  decodes\n"
		    "            +0x0-0x1f  trapped; 0 accesses\n");
	map_read(bench->mmio, WINDOW64, 4);
	says("pci", "      BAR 2 mem64              0x0000000800000000 256 bytes  decodes\n"
		    "            +0x0-0xff  trapped: smaller than a page; 1 accesses\n");
	toy_write(toy, PCI_BASE_ADDRESS_0, 4, 0);
	says("pci", "0x0000000000000000   16 KiB  off: it has no address\n");
	toy_write(toy, PCI_BASE_ADDRESS_0, 4, 0x10000000);
	says("pci", "0x0000000010000000   16 KiB  off: it is outside the host bridge's windows\n");
}
END_TEST

START_TEST(what_kvm_lost_is_told)
{
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(mem_map_demote(bench->mmio, WINDOW32, WINDOW32), 1);
	says("pci", "+0x0-0x3fff  trapped: KVM did not take it or lost it; 0 accesses\n");
	says("mem", "DEVICE trapped    -         0  0000:01:00.00\n");
}
END_TEST

START_TEST(a_withdrawn_function_is_told)
{
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	pci_host_lock(&toy->pci);
	pci_device_unmap(&toy->pci);
	pci_host_unlock(&toy->pci);
	says("pci", "I/O- memory+ master-, withdrawn\n");
	says("pci", "off: the function is withdrawn\n");
}
END_TEST

START_TEST(vfio_is_the_layers)
{
	devices = 0;
	says_only("vfio", "no device is passed through\n");
	says_only("vfio 01:00.0", "no device is passed through\n");
	devices = 1;
	says_only("vfio", "0000:01:00.0  in the guest 00:03.0\n");
	says_only("vfio 01:00.0", "all of it\n");
	says_only("vfio 02:00.0", "no passed-through device is 02:00.0: there are\n"
				  "0000:01:00.0  in the guest 00:03.0\n");
	devices = 0;
}
END_TEST

START_TEST(irq_shows_pins_and_routes)
{
	const struct kvm_msi_message message = {0xfee01000, 0x4021, 3 << 3};
	int first, second;

	for (unsigned int gsi = 0; gsi < 8; gsi++)
		ck_assert_int_eq(kvm_irq_add_pin(irq, gsi, 2, gsi), 0);
	ck_assert_int_eq(kvm_irq_add_pin(irq, 4, 0, 4), 0);
	first = kvm_irq_alloc(irq);
	second = kvm_irq_alloc(irq);
	ck_assert_int_eq(first, FIRST_MSI);
	kvm_irq_set_msi(irq, (unsigned int)first, &message);
	owned_gsi = 5;
	says_only("irq", " GSI       what raises it in the guest\n"
			 "   0-4     irqchip 2 pins 0-4\n"
			 "   5       irqchip 2 pin 5   0000:01:00.0 MSI-X vector 3, irqfd\n"
			 "   6-7     irqchip 2 pins 6-7\n"
			 "   4       irqchip 0 pin 4   \n"
			 "  24       MSI 0x00000000fee01000 data 0x00004021 from 00:03.0  owner "
			 "unknown\n"
			 "  25       MSI without a message yet  owner unknown\n");
	owned_gsi = 1;
	says("irq", "   0       irqchip 2 pin 0   \n"
		    "   1       irqchip 2 pin 1   0000:01:00.0 MSI-X vector 3, irqfd\n");
	owned_gsi = (unsigned int)second;
	says("irq", "without a message yet  0000:01:00.0 MSI-X vector 3, irqfd\n");
	owned_gsi = 0;
}
END_TEST

START_TEST(exits_are_counted_by_reason)
{
	static const struct step steps[] = {
		{0, KVM_EXIT_MMIO, WINDOW64, 4, false, false},
		{0, KVM_EXIT_MMIO, WINDOW64 + 4, 4, true, false},
		{0, KVM_EXIT_IO, 0, 0, false, false},
		{0, 47, 0, 0, false, false},
		{0, 4711, 0, 0, false, false},
	};

	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	give(1, steps, ARRAY_SIZE(steps));
	run_resume(run);
	until(&cpus[1].sitting, 1);
	run_park(run);
	says("exits",
	     "                              vCPU  0      vCPU  1      vCPU  2    all vCPUs\n");
	says("exits",
	     "KVM_EXIT_IO                         0            1            0            1\n");
	says("exits",
	     "KVM_EXIT_MMIO                       0            2            0            2\n");
	says("exits",
	     "reason 47                           0            1            0            1\n");
	says("exits",
	     "other reasons                       0            1            0            1\n");
	says("exits", "interrupted ");
	says("exits", "accesses of memory carried out by the monitor\n"
		      "             2  0x800000000  0000:01:00.02\n");
	ck_assert_ptr_null(strstr(answer, "accesses of ports"));
	map_read(bench->pio, PORT, 1);
	says("exits", "accesses of ports carried out by the monitor\n"
		      "             1  0x3f8  serial port 0\n");
}
END_TEST

enum { ROUNDS = 300 };

/* What vCPUs do meanwhile: move a BAR, use it, program interrupts. */
static void *be_a_guest(void *stop)
{
	uint64_t function = ECAM + (3 << 15), value;

	for (unsigned int i = 0; !atomic_load((atomic_bool *)stop); i++) {
		const struct kvm_msi_message message = {0xfee00000, i, 3 << 3};
		int gsi = kvm_irq_alloc(irq);

		mem_map_write(bench->mmio, function + PCI_BASE_ADDRESS_0, 4,
			      WINDOW32 + (i & 1) * 0x4000);
		mem_map_write(bench->mmio, function + PCI_COMMAND, 2,
			      i & 2 ? 0 : PCI_COMMAND_MEMORY);
		mem_map_read(bench->mmio, WINDOW32, 4, &value);
		mem_map_read(bench->mmio, WINDOW64, 4, &value);
		mem_map_demote(bench->mmio, WINDOW32, WINDOW32);
		if (gsi < 0)
			continue;
		kvm_irq_set_msi(irq, (unsigned int)gsi, &message);
		kvm_irq_free(irq, (unsigned int)gsi);
	}
	return NULL;
}

START_TEST(a_walk_goes_with_a_running_guest)
{
	static const char *const lines[] = {
		"pci", "mem", "irq", "exits", "physical 0xc0000000", "read -d 0xc0000000 4"};
	static const struct step endless[] = {{0, KVM_EXIT_MMIO, WINDOW64, 4, false, false}};
	atomic_bool stop = false;
	pthread_t guest;

	cpus[0].endless = true;
	give(0, endless, 1);
	monitor.stands = false;
	run_resume(run);
	ck_assert_int_eq(pthread_create(&guest, NULL, be_a_guest, &stop), 0);
	for (unsigned int i = 0; i < ROUNDS; i++)
		ck_assert_str_ne(ask(lines[i % ARRAY_SIZE(lines)]), "");
	atomic_store(&stop, true);
	pthread_join(guest, NULL);
	run_park(run);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, help_has_a_line_for_each_command);
	tcase_add_test(tests, bad_lines_get_one_sentence);
	tcase_add_test(tests, power_button_is_pressed);
	tcase_add_test(tests, pci_shows_functions_and_bars);
	tcase_add_test(tests, what_kvm_lost_is_told);
	tcase_add_test(tests, a_withdrawn_function_is_told);
	tcase_add_test(tests, vfio_is_the_layers);
	tcase_add_test(tests, irq_shows_pins_and_routes);
	tcase_add_test(tests, exits_are_counted_by_reason);
	tcase_add_test(tests, a_walk_goes_with_a_running_guest);
}

int main(void)
{
	return run_suite("monitor", add_tests);
}
