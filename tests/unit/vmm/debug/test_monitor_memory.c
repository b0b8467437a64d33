/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The monitor's commands on addresses: maps, translation, reading and writing memory, the kernel's
 * place.
 */

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/debug/test_monitor.h"

START_TEST(numbers_are_strict)
{
	static const char *const bad[] = {"x",   "0x", "12a", "-1",  "+1", "0x1g", "0x-1",
					  "1.5", "-p", "08x", "1e3", "'",  "0x 1"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char line[32];

		snprintf(line, sizeof(line), "physical %s", bad[i]);
		ask(line);
		ck_assert_msg(strstr(answer, "is no number") || strstr(answer, "takes ADDR"), "%s",
			      answer);
	}
	says("physical 18446744073709551616", "is too large");
	says("physical 0x10000000000000000", "is too large");
	says("physical 0xFFFFFFFFFFFFFFFF", "0xffffffffffffffff: nothing decodes there");
	says("physical 0016", "0x10: RAM");
}
END_TEST

START_TEST(mem_shows_both_maps)
{
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	says("mem",
	     "0x0000000000000000-0x00000000001fffff      2 MiB  RAM               0         0  "
	     "RAM\n");
	says("mem", "0x00000000c0000000-0x00000000c0003fff     16 KiB  DEVICE mapped     2 ");
	says("mem", "0x00000000fff00000-0x00000000fff00fff      4 KiB  ROM               1 ");
	says("mem", "0x0000000800000000-0x00000008000000ff  256 bytes  TRAP              - ");
	says("mem", "0x03f8-0x03ff          0  serial port 0\n");
	for (const char *line = answer; line && *line; line = strchr(line, '\n') + 1)
		ck_assert_uint_le(strcspn(line, "\n"), 100);
	monitor.pio = NULL;
	ck_assert_ptr_null(strstr(ask("mem"), "ports"));
}
END_TEST

START_TEST(physical_says_what_is_there)
{
	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	says_only("physical 0x1234", "0x1234: RAM, memslot 0, RAM + 0x1234\n");
	says_only("physical 0xc0000010", "0xc0000010: DEVICE mapped, memslot 2, BAR 0 + 0x10 of "
					 "00:03.0 (0000:01:00.0)\n");
	says_only("translate -p 0x8000000ff",
		  "0x8000000ff: TRAP, BAR 2 + 0xff of 00:03.0 (0000:01:00.0)\n");
	says("physical 0x800000100", "nothing decodes there (in the 64-bit PCI window): reads give "
				     "all ones, writes vanish\n");
	says("physical 0xc8000000", "(in the 32-bit PCI window)");
	says("physical 0xfff00004", "ROM, memslot 1, firmware + 0x4\n");
	says_only("physical 0x10000000",
		  "0x10000000: nothing decodes there, unless it is an interrupt controller of "
		  "KVM's: reads give all ones, writes vanish\n");
}
END_TEST

START_TEST(translate_shows_the_steps_and_the_place)
{
	arch.translation =
		(struct arch_translation){.gpa = 0x1234, .page_size = 2 * MIB, .writable = true};
	monitor.cpu = 2;
	says_only("translate 0xffff800000001234",
		  "level 4 entry 0x1ffff00\n"
		  "0xffff800000001234 on vCPU 2: 0x1234, 2 MiB page, writable, not executable, "
		  "kernel\n"
		  "0x1234: RAM, memslot 0, RAM + 0x1234\n");
	ck_assert_ptr_eq(arch.vcpu, cpus[2].vcpu);
	arch.translation = (struct arch_translation){.page_size = UINT64_MAX, .user = true};
	says("translate 0", "not paged, read-only, not executable, user\n");
	arch.translate_result = -EFAULT;
	says_only("translate 4096", "level 4 entry 0x0\n0x1000 on vCPU 2: not mapped\n");
	arch.translate_result = -EIO;
	says("translate 4096", "0x1000 on vCPU 2: Input/output error\n");
	arch.translate_result = 0;
	monitor.cpu = CPUS;
	says_only("translate 0", "there is no vCPU 3\n");
	monitor.stands = false;
	says_only("translate 0", "the guest is running: stop it first\n");
	says_only("kaslr", "the guest is running: stop it first\n");
}
END_TEST

START_TEST(memory_is_read)
{
	ck_assert_int_eq(ram_write(ram, 0x100, "Ferry\n\x7f\xff", 8), 0);
	memcpy(rom_bytes, "ROM", 3);
	says_only("read 0x100 8",
		  "0x0000000000000100  46 65 72 72 79 0a 7f ff                      "
		  "    |Ferry...|\n");
	says("read 0xf8 24", "0x0000000000000108  00 00 00 00 00 00 00 00 ");
	says("read 0xfff00000 3", "52 4f 4d ");
	says("read 0 4096", "0x0000000000000ff0  00 ");
	says_only("read 0 8:4", "without -d memory is shown by bytes: a width says nothing\n");
	says_only("read 0 4097", "4097 bytes at 0x0: 1 to 4096 can be read\n");
	says_only("read 0 0", "0 bytes at 0x0: 1 to 4096 can be read\n");
	says("read 0xffffffffffffffff 2", "up to the end of memory\n");
	says_only("read 0x1ffffe 4", "0x200000: nothing is there\n");
}
END_TEST

START_TEST(breakpoints_are_not_seen)
{
	struct debug_points points = {.ram = ram, .support = {.software_breakpoints = true}};
	uint8_t bytes[3];

	ck_assert_int_eq(ram_write(ram, 0x100, "abc", 3), 0);
	arch.translation = (struct arch_translation){.gpa = 0x101, .page_size = 4096};
	ck_assert_int_eq(debug_points_insert(&points, cpus[0].vcpu, GDB_SOFTWARE_BREAK, 0x101, 1),
			 0);
	monitor.points = &points;
	says("read 0x100 3", "61 62 63");
	says_only("write 0x100 0x7a79:2", "0x100: 2 bytes written\n");
	ck_assert_int_eq(ram_read(ram, 0x100, bytes, 3), 0);
	ck_assert_mem_eq(bytes, "\x79\xcc\x63", 3);
	debug_points_clear(&points);
	ck_assert_int_eq(ram_read(ram, 0x100, bytes, 3), 0);
	ck_assert_mem_eq(bytes, "\x79\x7a\x63", 3);
	monitor.points = NULL;
}
END_TEST

START_TEST(devices_are_read_on_demand_alone)
{
	struct mem_view view;

	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	says_only("read 0xc0000000 4",
		  "0xc0000000: DEVICE mapped, 0000:01:00.00: a device may act on "
		  "being read: read -d does it\n");
	says("read 0xdffffffc 16", "nothing is there");
	says("read 0xe0000000 16", "read -d does it");
	ck_assert(mem_map_find(bench->mmio, WINDOW64, &view));
	ck_assert_uint_eq(view.accesses, 0);
	says_only("read -d 0x800000000 8", "0x0000000800000000  02020202 02020202\n");
	says_only("read -d 0x800000000 8:8", "0x0000000800000000  0202020202020202\n");
	says_only("read -d 0x800000001 3", "0x0000000800000001  02 02 02\n");
	says_only("read -d 0x800000002 2", "0x0000000800000002  0202\n");
	says("read -d 0x800000000 32", "\n0x0000000800000010  02020202");
	says_only("read -d 0x800000000 6:4", "6 bytes are no multiple of 4\n");
	says_only("read -d 0x800000000 6:3",
		  "a width of 3 bytes is none: there are 1, 2, 4 and 8\n");
	says_only("read -d 0x800000000 6:", "'' is no number: write it as 4096 or 0x1000\n");
	/* ECAM, by way of its handler. */
	says_only("read -d 0xe0018000 4", "0x00000000e0018000  56781234\n");
	ck_assert(mem_map_find(bench->mmio, WINDOW64, &view));
	ck_assert_uint_eq(view.accesses, 2 + 1 + 3 + 1 + 8);
}
END_TEST

START_TEST(memory_is_written)
{
	uint8_t bytes[8];

	says_only("write 0x200 0x11223344", "0x200: 4 bytes written\n");
	says_only("write 0x204 0x55:1", "0x204: 1 byte written\n");
	ck_assert_int_eq(ram_read(ram, 0x200, bytes, 8), 0);
	ck_assert_uint_eq(load_le64(bytes), UINT64_C(0x5511223344));
	says_only("write 0x200 0x8877665544332211:8", "0x200: 8 bytes written\n");
	ck_assert_int_eq(ram_read(ram, 0x200, bytes, 8), 0);
	ck_assert_uint_eq(load_le64(bytes), UINT64_C(0x8877665544332211));
	says_only("write 0x200 0x100000000", "0x100000000 has more than 4 bytes: say how many as "
					     "0x100000000:8\n");
	says("write 0x200 256:1", "has more than 1 bytes");
	says("write 0x200 1:0", "a width of 0 bytes is none");
	says("write 0xfff00000 1", "ROM, firmware: write -d writes what is not RAM\n");
	says("write 0x10000000 1", "nothing is there");
	says("write 0xfffffffffffffffe 1", "4 bytes at 0xfffffffffffffffe leave the address space");
	says_only("write 0x1ffffe 1", "0x200000: nothing is there\n");
}
END_TEST

START_TEST(devices_are_written_on_demand_alone)
{
	struct mem_view view;

	toy_write(toy, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	says("write 0x800000000 1", "write -d writes what is not RAM");
	says_only("write -d 0x800000000 1:2", "0x800000000: 2 bytes written\n");
	ck_assert(mem_map_find(bench->mmio, WINDOW64, &view));
	ck_assert_uint_eq(view.accesses, 1);
	says_only("write -d 0xe0018004 0:2", "config space is written by the guest alone\n");
	ck_assert_uint_eq(toy_read(toy, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
}
END_TEST

START_TEST(kaslr_gives_the_command)
{
	arch.place = (struct arch_kernel_place){.runtime = UINT64_C(0xffffffff9a000000),
						.linked = UINT64_C(0xffffffff81000000)};
	says_only("kaslr", "the kernel's _text is at 0xffffffff9a000000, linked to "
			   "0xffffffff81000000: moved by 0x19000000\n"
			   "symbol-file vmlinux -o 0x19000000\n");
	arch.place.percpu_at_zero = true;
	says("kaslr", "symbol-file\nadd-symbol-file vmlinux -o 0x19000000 -s .data..percpu 0\n");
	arch.place.linked = arch.place.runtime;
	says_only("kaslr",
		  "the kernel's _text is at 0xffffffff9a000000, as it was linked: gdb has its "
		  "symbols right\n");
	arch.place.linked = 0;
	says("kaslr", "0xffffffff9a000000; where it was linked to is not known");
	arch.find_result = -ENOENT;
	says_only("kaslr", "no kernel: not paging yet\n");
	arch.find_result = 0;
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, numbers_are_strict);
	tcase_add_test(tests, mem_shows_both_maps);
	tcase_add_test(tests, physical_says_what_is_there);
	tcase_add_test(tests, translate_shows_the_steps_and_the_place);
	tcase_add_test(tests, memory_is_read);
	tcase_add_test(tests, breakpoints_are_not_seen);
	tcase_add_test(tests, devices_are_read_on_demand_alone);
	tcase_add_test(tests, memory_is_written);
	tcase_add_test(tests, devices_are_written_on_demand_alone);
	tcase_add_test(tests, kaslr_gives_the_command);
}

int main(void)
{
	return run_suite("monitor memory", add_tests);
}
