/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user chooses for a device: its trace, BARs that are trapped, another option ROM. */

#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/support/fault.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"
#include "vmm/kvm/origin.h"

static char path[64], text[64 * 1024];

static void make_file(const void *bytes, size_t size)
{
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "/tmp/ferry-test-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	file = fdopen(fd, "w");
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static void start_traced(void)
{
	make_file("", 0);
	bench.options.trace = path;
	start();
	atomic_store(&bench.dma.mapped, true);
}

/* The device's end, so that everything is in the file; which is read and removed. */
static void stop_traced(void)
{
	FILE *file;

	pci_host_destroy(bench.host);
	create_host();
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	unlink(path);
}

static void told(const char *line)
{
	ck_assert_msg(strstr(text, line), "no '%s' in:\n%s", line, text);
}

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
	vfio_fake_poke(&bench.fake, CONFIG, PCI_CLASS_REVISION, 4, 0x01080202);
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

	make_file("let n = 8 & 0xff\n0x08 STATE 5:up\nbase n\n0x10 RING\n", 49);
	strcpy(table, path);
	bench.options.names = table;
	vfio_fake_poke(&bench.fake, 0, 8, 4, 0x20);
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

START_TEST(an_access_is_told_with_whose_it_is)
{
	struct kvm_origin origin = {.vcpu = 3};

	start_traced();
	kvm_origin_set(&origin);
	config_read(PCI_VENDOR_ID, 4);
	origin.has_pc = true;
	origin.pc = 0xffffffff81cd5a47;
	kvm_origin_set(&origin);
	config_read(PCI_BASE_ADDRESS_1, 4);
	kvm_origin_set(NULL);
	config_read(PCI_VENDOR_ID, 4);
	stop_traced();
	told("Vendor ID, Device ID  (vCPU 3)\n");
	told("BAR 1  (vCPU 3 at 0xffffffff81cd5a47)\n");
	told("Vendor ID, Device ID\n");
}
END_TEST

START_TEST(a_wrong_table_is_refused)
{
	make_file("0x08 STATE\n0x08\n", 16);
	bench.options.names = path;
	bench.options.trace = "/dev/null";
	ck_assert_ptr_null(create());
	unlink(path);
	ck_assert_int_eq(bench.err.code, -EINVAL);
	ck_assert_ptr_nonnull(strstr(bench.err.text, "device 0000:01:00.0: names /tmp"));
	ck_assert_ptr_nonnull(strstr(bench.err.text, "line 2"));
	ck_assert(bench.fake.closed);
}
END_TEST

/* Interrupts are relayed: none is lost on the way, and the masked ones are owed. */
START_TEST(interrupts_are_told_and_passed_on)
{
	int gsi;

	start_traced();
	ck_assert(vfio_fake_fire(&bench.fake, VFIO_PCI_INTX_IRQ_INDEX, 0));
	run_loop_once();
	ck_assert(fake_irq_delivered(&bench.irq, 19));
	fd_signal(bench.pci->wires.intx.resample);
	run_loop_once();
	ck_assert(fd_take(bench.fake.unmask_eventfd));
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	config_write(0x72, 2, 0x8000);
	guest_write(bar(0) + 0x3000 + 3 * 16 + 12, 4, 0);
	gsi = pci_vectors_state(bench.pci->wires.vectors, 3).gsi;
	ck_assert(vfio_fake_fire(&bench.fake, VFIO_PCI_MSIX_IRQ_INDEX, 3));
	run_loop_once();
	ck_assert(fake_irq_delivered(&bench.irq, (unsigned int)gsi));
	guest_write(bar(0) + 0x3000 + 3 * 16 + 12, 4, 1);
	ck_assert(vfio_fake_fire(&bench.fake, VFIO_PCI_MSIX_IRQ_INDEX, 3));
	ck_assert_uint_eq(guest_read(bar(0) + 0x4000, 4), 8);
	guest_write(bar(0) + 0x3000 + 3 * 16 + 12, 4, 0);
	ck_assert(fake_irq_delivered(&bench.irq, (unsigned int)gsi));
	stop_traced();
	told("irq     INTx raised\n");
	told("irq     INTx end of interrupt: unmasked\n");
	told("irq     MSI-X vector 3\n");
	told("irq     MSI-X vector 3, masked: it is pending\n");
}
END_TEST

START_TEST(a_trace_that_cannot_be_written_is_refused)
{
	bench.options.trace = "/no/such/folder/trace";
	ck_assert_ptr_null(create());
	ck_assert_int_eq(bench.err.code, -ENOENT);
	ck_assert_ptr_nonnull(strstr(bench.err.text, "0000:01:00.0: trace /no/such/folder/trace"));
	ck_assert(bench.fake.closed);
}
END_TEST

START_TEST(a_full_disk_ends_the_trace_and_nothing_else)
{
	bench.options.trace = "/dev/full";
	start();
	for (unsigned int i = 0; i < 100; i++)
		ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), 0x10d38086);
}
END_TEST

/* A pipe: nothing waits for its reader, and what he missed is told. */
START_TEST(a_traces_reader_holds_up_nobody)
{
	bool missing = false;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[1]);
	bench.options.trace = path;
	start();
	for (unsigned int i = 0; i < 20000; i++)
		config_read(PCI_VENDOR_ID, 4);
	for (unsigned int i = 0; i < 40 && !missing; i++) {
		ssize_t n = read(ends[0], text, sizeof(text) - 1);

		ck_assert_int_gt(n, 0);
		text[n] = '\0';
		missing = strstr(text, "lines are missing here: not read in time");
		run_loop_once();
	}
	ck_assert(missing);
	pci_host_destroy(bench.host);
	create_host();
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_pipe_that_nobody_reads_is_refused)
{
	snprintf(path, sizeof(path), "/tmp/ferry-test-fifo-%d", getpid());
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	bench.options.trace = path;
	ck_assert_ptr_null(create());
	unlink(path);
	ck_assert_int_eq(bench.err.code, -ENXIO);
	ck_assert_ptr_nonnull(strstr(bench.err.text, "nobody reads there"));
}
END_TEST

START_TEST(chosen_bars_are_trapped)
{
	bench.options.trapped = 1 << 4;
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 2);
	ck_assert_ptr_null(mapped_at(bar(4)));
	guest_write(bar(4) + 0x10000, 4, 9);
	ck_assert_uint_eq(vfio_fake_peek(&bench.fake, 4, 0x10000, 4), 9);
}
END_TEST

static void enable_rom(void)
{
	config_write(PCI_ROM_ADDRESS, 4, (WINDOW32 + 16 * MIB) | PCI_ROM_ADDRESS_ENABLE);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static void start_with_rom(void)
{
	bench.fake.regions[PCI_ROM_BAR] =
		(struct fake_region){.flags = VFIO_REGION_INFO_FLAG_READ, .size = 64 * KIB};
	vfio_fake_poke(&bench.fake, PCI_ROM_BAR, 0, 4, 0x1234aa55);
	start();
}

START_TEST(the_devices_own_rom_is_read_from_it)
{
	start_with_rom();
	config_write(PCI_ROM_ADDRESS, 4, UINT32_MAX);
	ck_assert_uint_eq(config_read(PCI_ROM_ADDRESS, 4), 0xffff0001);
	enable_rom();
	ck_assert_uint_eq(guest_read(WINDOW32 + 16 * MIB, 4), 0x1234aa55);
	guest_write(WINDOW32 + 16 * MIB, 4, 0);
	ck_assert_uint_eq(guest_read(WINDOW32 + 16 * MIB, 4), 0x1234aa55);
}
END_TEST

static void read_rom(uint64_t expected)
{
	ck_assert_uint_eq(guest_read(WINDOW32 + 16 * MIB, 4), expected);
}

/* PCI 3.0 6.2.5.2: both bits, in either order, and in D0. */
START_TEST(a_rom_decodes_with_the_last_of_its_bits)
{
	start_with_rom();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	read_rom(UINT32_MAX);
	config_write(PCI_ROM_ADDRESS, 4, (WINDOW32 + 16 * MIB) | PCI_ROM_ADDRESS_ENABLE);
	read_rom(0x1234aa55);
	config_write(PCI_COMMAND, 2, 0);
	read_rom(UINT32_MAX);
	config_write(PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	read_rom(0x1234aa55);
}
END_TEST

START_TEST(a_rom_turned_on_asleep_is_read_awake)
{
	vfio_fake_poke(&bench.fake, CONFIG, 0x44, 1, 8);
	start_with_rom();
	config_write(0x44, 2, 3 | 8);
	enable_rom();
	read_rom(UINT32_MAX);
	config_write(0x44, 2, 8);
	read_rom(0x1234aa55);
}
END_TEST

/* A copy that fails is not kept; it is tried once each time the ROM begins to decode. */
START_TEST(a_rom_that_was_not_read_is_tried_again)
{
	unsigned int reads;

	start_with_rom();
	fault_plan = (struct fault_plan){
		.at = 1, .onwards = true, .fault = FAULT_ERROR, .error = -EIO, .only = "read"};
	enable_rom();
	fault_disarm();
	read_rom(UINT32_MAX);
	reads = bench.fake.reads;
	config_write(PCI_INTERRUPT_LINE, 1, 5);
	ck_assert_uint_eq(bench.fake.reads, reads);
	config_write(PCI_ROM_ADDRESS, 4, WINDOW32 + 16 * MIB);
	config_write(PCI_ROM_ADDRESS, 4, (WINDOW32 + 16 * MIB) | PCI_ROM_ADDRESS_ENABLE);
	read_rom(0x1234aa55);
	reads = bench.fake.reads;
	config_write(PCI_ROM_ADDRESS, 4, WINDOW32 + 16 * MIB);
	config_write(PCI_ROM_ADDRESS, 4, (WINDOW32 + 16 * MIB) | PCI_ROM_ADDRESS_ENABLE);
	ck_assert_uint_eq(bench.fake.reads, reads);
}
END_TEST

START_TEST(a_rom_that_read_all_ones_is_tried_again)
{
	start_with_rom();
	vfio_fake_poke(&bench.fake, PCI_ROM_BAR, 0, 4, UINT32_MAX);
	enable_rom();
	read_rom(UINT32_MAX);
	vfio_fake_poke(&bench.fake, PCI_ROM_BAR, 0, 4, 0x1234aa55);
	config_write(PCI_COMMAND, 2, 0);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	read_rom(0x1234aa55);
}
END_TEST

START_TEST(a_rom_can_be_left_out)
{
	bench.fake.regions[PCI_ROM_BAR] =
		(struct fake_region){.flags = VFIO_REGION_INFO_FLAG_READ, .size = 64 * KIB};
	bench.options.no_rom = true;
	start();
	config_write(PCI_ROM_ADDRESS, 4, UINT32_MAX);
	ck_assert_uint_eq(config_read(PCI_ROM_ADDRESS, 4), 0);
}
END_TEST

START_TEST(a_rom_can_be_a_file)
{
	static const uint8_t bytes[5000] = {0x55, 0xaa, 0x0a};
	struct vfio_rom rom = {0};

	make_file(bytes, sizeof(bytes));
	ck_assert_int_eq(vfio_rom_load(path, &rom, &bench.err), 0);
	unlink(path);
	bench.rom = &rom;
	start();
	config_write(PCI_ROM_ADDRESS, 4, UINT32_MAX);
	ck_assert_uint_eq(config_read(PCI_ROM_ADDRESS, 4), 0xffffe001);
	enable_rom();
	/* The guest reads it by itself; behind the file's end are all ones. */
	ck_assert_uint_eq(mapped_at(WINDOW32 + 16 * MIB)->size, 8192);
	ck_assert_uint_eq(guest_read(WINDOW32 + 16 * MIB, 4), 0x000aaa55);
	ck_assert_uint_eq(guest_read(WINDOW32 + 16 * MIB + 5000, 4), UINT32_MAX);
	guest_write(WINDOW32 + 16 * MIB, 4, 0);
	ck_assert_uint_eq(guest_read(WINDOW32 + 16 * MIB, 4), 0x000aaa55);
	pci_host_destroy(bench.host);
	create_host();
	vfio_rom_release(&rom);
}
END_TEST

START_TEST(a_rom_file_that_is_none_is_refused)
{
	struct vfio_rom rom = {0};

	ck_assert_int_eq(vfio_rom_load("/no/such/rom", &rom, &bench.err), -ENOENT);
	ck_assert_str_eq(bench.err.text, "option ROM /no/such/rom: No such file or directory");
	ck_assert_int_eq(vfio_rom_load("/tmp", &rom, &bench.err), -EINVAL);
	make_file("", 0);
	ck_assert_int_eq(vfio_rom_load(path, &rom, &bench.err), -EFBIG);
	ck_assert_int_eq(truncate(path, 17 * (off_t)MIB), 0);
	ck_assert_int_eq(vfio_rom_load(path, &rom, &bench.err), -EFBIG);
	unlink(path);
	ck_assert_ptr_null(rom.host);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, every_access_is_told_in_words);
	tcase_add_test(tests, registers_of_a_standard_class_have_names);
	tcase_add_test(tests, registers_have_the_names_that_the_user_gives);
	tcase_add_test(tests, an_access_is_told_with_whose_it_is);
	tcase_add_test(tests, a_wrong_table_is_refused);
	tcase_add_test(tests, interrupts_are_told_and_passed_on);
	tcase_add_test(tests, a_trace_that_cannot_be_written_is_refused);
	tcase_add_test(tests, a_full_disk_ends_the_trace_and_nothing_else);
	tcase_add_test(tests, a_traces_reader_holds_up_nobody);
	tcase_add_test(tests, a_pipe_that_nobody_reads_is_refused);
	tcase_add_test(tests, chosen_bars_are_trapped);
	tcase_add_test(tests, the_devices_own_rom_is_read_from_it);
	tcase_add_test(tests, a_rom_decodes_with_the_last_of_its_bits);
	tcase_add_test(tests, a_rom_turned_on_asleep_is_read_awake);
	tcase_add_test(tests, a_rom_that_was_not_read_is_tried_again);
	tcase_add_test(tests, a_rom_that_read_all_ones_is_tried_again);
	tcase_add_test(tests, a_rom_can_be_left_out);
	tcase_add_test(tests, a_rom_can_be_a_file);
	tcase_add_test(tests, a_rom_file_that_is_none_is_refused);
}

int main(void)
{
	return run_suite("vfio options", add_tests);
}
