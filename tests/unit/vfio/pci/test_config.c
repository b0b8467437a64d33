/* SPDX-License-Identifier: BSD-3-Clause */
/* Config space of a passed-through function: what is ours, what the device's, what is hidden. */

#include <check.h>
#include <stdatomic.h>

#include "tests/unit/support/fault.h"
#include "tests/unit/support/suite.h"
#include "tests/unit/support/vfio_bench.h"

START_TEST(emulated_registers_never_touch_the_device)
{
	unsigned int reads;

	start();
	reads = bench.fake.reads;
	ck_assert_uint_eq(config_read(PCI_VENDOR_ID, 4), 0x10d38086);
	ck_assert_uint_eq(config_read(PCI_CLASS_REVISION, 4), 0x02000003);
	ck_assert_uint_eq(config_read(PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(config_read(PCI_HEADER_TYPE, 1), 0);
	ck_assert_uint_eq(config_read(PCI_INTERRUPT_PIN, 1), 1);
	config_write(PCI_INTERRUPT_LINE, 1, 0x17);
	ck_assert_uint_eq(config_read(PCI_INTERRUPT_LINE, 1), 0x17);
	config_write(PCI_BASE_ADDRESS_0, 4, UINT32_MAX);
	ck_assert_uint_eq(config_read(PCI_BASE_ADDRESS_0, 4), 0xffff0000);
	config_write(PCI_BASE_ADDRESS_0 + 16, 4, UINT32_MAX);
	ck_assert_uint_eq(config_read(PCI_BASE_ADDRESS_0 + 16, 4), 0xffe0000c);
	config_write(PCI_BASE_ADDRESS_0 + 8, 4, UINT32_MAX);
	ck_assert_uint_eq(config_read(PCI_BASE_ADDRESS_0 + 8, 4), 0xffffffe1);
	ck_assert_uint_eq(bench.fake.reads, reads);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_BASE_ADDRESS_0, 4), 0xfeb40000);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_INTERRUPT_LINE, 1), 0x0b);
}
END_TEST

START_TEST(the_rest_is_the_devices_at_the_guests_width)
{
	start();
	fake_vfio_poke(&bench.fake, CONFIG, 0x68, 4, 0x11223344);
	for (unsigned int size = 1; size <= 4; size *= 2) {
		ck_assert_uint_eq(config_read(0x68, size), 0x11223344 & all_ones(size));
		ck_assert_uint_eq(bench.fake.last_size, size);
		bench.fake.last_size = 0;
		config_write(0x68, size, 0x11223344);
		ck_assert_uint_eq(bench.fake.last_size, size);
	}
	/* COMMAND from the shadow, STATUS from the device, in one access. */
	fake_vfio_poke(&bench.fake, CONFIG, PCI_STATUS, 2, 0x2810);
	fake_vfio_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 0x0140);
	ck_assert_uint_eq(config_read(PCI_COMMAND, 4), 0x28100000);
	/* Beyond 256 bytes too. */
	fake_vfio_poke(&bench.fake, CONFIG, 0x108, 4, 0xcafe);
	ck_assert_uint_eq(config_read(0x108, 4), 0xcafe);
}
END_TEST

START_TEST(a_config_read_that_fails_is_all_ones)
{
	start();
	bench.fake.fail_at = bench.fake.calls + 1;
	ck_assert_uint_eq(config_read(0x68, 2), 0xffff);
	bench.fake.fail_at = bench.fake.calls + 1;
	ck_assert_uint_eq(config_read(PCI_COMMAND, 4), 0xffff0000);
}
END_TEST

START_TEST(command_is_forwarded_at_any_width)
{
	static const struct {
		unsigned int offset, size;
		uint32_t value;
		uint64_t device;
	} rows[] = {
		{PCI_COMMAND, 1, 0x03, 0x0003},
		{PCI_COMMAND, 2, 0x0402, 0x0402},
		{PCI_COMMAND + 1, 1, 0x00, 0x0002},
		{PCI_COMMAND, 4, 0x00000403, 0x0403},
		{PCI_COMMAND, 2, 0, 0},
	};

	start();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ck_assert_int_eq(config_write(rows[i].offset, rows[i].size, rows[i].value),
				 MEM_DONE);
		ck_assert_uint_eq(bench.fake.last_size, rows[i].size);
		ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2),
				  rows[i].device);
		ck_assert_uint_eq(config_read(PCI_COMMAND, 2), rows[i].device);
	}
}
END_TEST

/* All ones would be a reset, or more: what is beside the guest's bits is not known then. */
START_TEST(beside_what_the_device_does_not_say_nothing_is_written)
{
	start();
	fault_plan = (struct fault_plan){.at = 1, .onwards = true, .error = -EIO, .only = "read"};
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	fault_disarm();
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	fault_plan = (struct fault_plan){
		.at = 1, .onwards = true, .fault = FAULT_NONSENSE, .filling = 0xff, .only = "read"};
	config_write(PCI_COMMAND, 2, PCI_COMMAND_IO);
	fault_disarm();
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
}
END_TEST

START_TEST(mastering_waits_for_all_of_ram)
{
	start();
	for (unsigned int size = 1; size <= 4; size *= 2) {
		ck_assert_int_eq(config_write(PCI_COMMAND, size, PCI_COMMAND_MASTER), MEM_NOT_YET);
		ck_assert_uint_eq(config_read(PCI_COMMAND, 2), 0);
		ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	}
	ck_assert_int_eq(config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY), MEM_DONE);
	ck_assert_int_eq(config_write(PCI_COMMAND + 1, 1, PCI_COMMAND_INTX_DISABLE >> 8), MEM_DONE);
	ck_assert_int_eq(config_write(0x68, 4, UINT32_MAX), MEM_DONE);
	atomic_store(&bench.dma.mapped, true);
	ck_assert_int_eq(config_write(PCI_COMMAND, 2, PCI_COMMAND_MASTER), MEM_DONE);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), PCI_COMMAND_MASTER);
}
END_TEST

/* Bit 3 of the power control register: this device keeps its registers in D3hot. */
START_TEST(power_state_ends_the_decode)
{
	fake_vfio_poke(&bench.fake, CONFIG, 0x44, 1, 8);
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 3);
	config_write(0x44, 2, 3);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, 0x44, 2), 3);
	ck_assert_uint_eq(bench.mapped_count, 0);
	/* A device that knows no such state says what it is in. */
	fake_vfio_poke(&bench.fake, CONFIG, 0x44, 1, 8);
	config_write(0x44, 2, 0);
	ck_assert_uint_eq(bench.mapped_count, 3);
}
END_TEST

START_TEST(a_wake_up_that_resets_is_one_for_the_guest_too)
{
	start();
	atomic_store(&bench.dma.mapped, true);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	config_write(0x72, 2, 0x8000);
	config_write(0x44, 2, 3);
	/* As the kernel does on the way back to D0. */
	fake_vfio_poke(&bench.fake, CONFIG, PCI_COMMAND, 2, 6);
	config_write(0x44, 2, 0);
	ck_assert_uint_eq(config_read(PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(config_read(PCI_BASE_ADDRESS_0, 4), 0);
	ck_assert_uint_eq(config_read(0x72, 2), 9);
	ck_assert_uint_eq(fake_vfio_peek(&bench.fake, CONFIG, PCI_COMMAND, 2), 0);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_MSIX_IRQ_INDEX], 0);
	ck_assert_uint_eq(bench.fake.span[VFIO_PCI_INTX_IRQ_INDEX], 1);
	ck_assert_uint_eq(bench.mapped_count, 0);
	config_write(PCI_BASE_ADDRESS_0, 4, WINDOW32);
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	ck_assert_uint_eq(bench.mapped_count, 2);
}
END_TEST

START_TEST(a_device_that_left_d0_by_itself_decodes_no_more)
{
	start();
	config_write(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	/* The write of D0 reaches it, and then it says D3. */
	fault_plan = (struct fault_plan){
		.at = 1, .onwards = true, .fault = FAULT_NONSENSE, .filling = 3, .only = "read"};
	config_write(0x44, 2, 0);
	fault_disarm();
	ck_assert_uint_eq(config_read(0x44, 1), 3);
	ck_assert_uint_eq(bench.mapped_count, 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, emulated_registers_never_touch_the_device);
	tcase_add_test(tests, the_rest_is_the_devices_at_the_guests_width);
	tcase_add_test(tests, a_config_read_that_fails_is_all_ones);
	tcase_add_test(tests, command_is_forwarded_at_any_width);
	tcase_add_test(tests, beside_what_the_device_does_not_say_nothing_is_written);
	tcase_add_test(tests, mastering_waits_for_all_of_ram);
	tcase_add_test(tests, power_state_ends_the_decode);
	tcase_add_test(tests, a_wake_up_that_resets_is_one_for_the_guest_too);
	tcase_add_test(tests, a_device_that_left_d0_by_itself_decodes_no_more);
}

int main(void)
{
	return run_suite("vfio config", add_tests);
}
