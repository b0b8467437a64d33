/* SPDX-License-Identifier: BSD-3-Clause */
/* The option ROM: the device's own, read when it decodes; a file; none. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/support/fault.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"

static char path[SCRATCH_PATH];

static void enable_rom(void)
{
	config_write(PCI_ROM_ADDRESS, 4, (WINDOW32 + 16 * MIB) | PCI_ROM_ADDRESS_ENABLE);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static void start_with_rom(void)
{
	bench.fake.regions[PCI_ROM_BAR] =
		(struct fake_region){.flags = VFIO_REGION_INFO_FLAG_READ, .size = 64 * KIB};
	fake_vfio_poke(&bench.fake, PCI_ROM_BAR, 0, 4, 0x1234aa55);
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
	fake_vfio_poke(&bench.fake, CONFIG, 0x44, 1, 8);
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
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	fault_plan = (struct fault_plan){
		.at = 1, .onwards = true, .fault = FAULT_ERROR, .error = -EIO, .only = "read"};
	config_write(PCI_ROM_ADDRESS, 4, (WINDOW32 + 16 * MIB) | PCI_ROM_ADDRESS_ENABLE);
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
	fake_vfio_poke(&bench.fake, PCI_ROM_BAR, 0, 4, UINT32_MAX);
	enable_rom();
	read_rom(UINT32_MAX);
	fake_vfio_poke(&bench.fake, PCI_ROM_BAR, 0, 4, 0x1234aa55);
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

	scratch_file(path, bytes, sizeof(bytes));
	ck_assert_int_eq(vfio_rom_load(path, 0, &rom, &bench.err), 0);
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

/* Whoever opened it has it yet. */
START_TEST(a_rom_can_be_open_already)
{
	static const uint8_t bytes[100] = {0x55, 0xaa, 0x0a};
	struct vfio_rom rom = {0};
	int given;

	scratch_file(path, bytes, sizeof(bytes));
	given = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	ck_assert_int_eq(vfio_rom_load(path, given, &rom, &bench.err), 0);
	ck_assert_int_eq(fcntl(given, F_GETFD), FD_CLOEXEC);
	ck_assert_mem_eq(rom.host, bytes, sizeof(bytes));
	vfio_rom_release(&rom);
	close(given);
	ck_assert_int_eq(vfio_rom_load("/r", given, &rom, &bench.err), -EBADF);
	ck_assert_str_eq(bench.err.text, "option ROM /r: Bad file descriptor");
}
END_TEST

START_TEST(a_rom_file_that_is_none_is_refused)
{
	struct vfio_rom rom = {0};

	ck_assert_int_eq(vfio_rom_load("/no/such/rom", 0, &rom, &bench.err), -ENOENT);
	ck_assert_str_eq(bench.err.text, "option ROM /no/such/rom: No such file or directory");
	ck_assert_int_eq(vfio_rom_load("/tmp", 0, &rom, &bench.err), -EINVAL);
	scratch_file(path, "", 0);
	ck_assert_int_eq(vfio_rom_load(path, 0, &rom, &bench.err), -EFBIG);
	ck_assert_int_eq(truncate(path, 17 * (off_t)MIB), 0);
	ck_assert_int_eq(vfio_rom_load(path, 0, &rom, &bench.err), -EFBIG);
	unlink(path);
	ck_assert_ptr_null(rom.host);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_devices_own_rom_is_read_from_it);
	tcase_add_test(tests, a_rom_decodes_with_the_last_of_its_bits);
	tcase_add_test(tests, a_rom_turned_on_asleep_is_read_awake);
	tcase_add_test(tests, a_rom_that_was_not_read_is_tried_again);
	tcase_add_test(tests, a_rom_that_read_all_ones_is_tried_again);
	tcase_add_test(tests, a_rom_can_be_left_out);
	tcase_add_test(tests, a_rom_can_be_a_file);
	tcase_add_test(tests, a_rom_can_be_open_already);
	tcase_add_test(tests, a_rom_file_that_is_none_is_refused);
}

int main(void)
{
	return run_suite("vfio rom", add_tests);
}
