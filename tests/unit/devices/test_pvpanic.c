/* SPDX-License-Identifier: BSD-3-Clause */
/* The panic device, in memory and at a port: a panic ends the run, a crash kernel does not. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include "devices/pvpanic.h"

enum { ADDRESS = 0x09030000, PORT = 0x505 };

static struct device *in_memory, *at_port;

static void setup(void)
{
	fake_bus_setup();
	in_memory = pvpanic_create(&fake.bus, fake.mmio, ADDRESS, &fake.err);
	at_port = pvpanic_create(&fake.bus, fake.pio, PORT, &fake.err);
	ck_assert_msg(in_memory && at_port, "%s", fake.err.text);
}

static void teardown(void)
{
	in_memory->ops->destroy(in_memory);
	at_port->ops->destroy(at_port);
	ck_assert_uint_eq(fake_read(ADDRESS, 1), 0xff);
	ck_assert_uint_eq(fake_inb(PORT), 0xff);
	fake_bus_teardown();
}

START_TEST(panic_is_one_byte_of_memory)
{
	ck_assert_uint_eq(fake_read(ADDRESS, 1), 0x03);
	fake_write(ADDRESS, 1, 0x02);
	fake_write(ADDRESS + 1, 1, 0x01);
	ck_assert_uint_eq(fake.events, 0);
	fake_write(ADDRESS, 1, 0x01);
	ck_assert_uint_eq(fake.events, 1);
	ck_assert_int_eq(fake.event, MACHINE_PANICKED);
}
END_TEST

START_TEST(a_crash_kernel_does_not_end_the_run)
{
	ck_assert_uint_eq(fake_inb(PORT), 0x03);
	fake_outb(PORT, 0x02);
	fake_outb(PORT, 0xfc);
	ck_assert_uint_eq(fake.events, 0);
	/* Both bits: it panicked. */
	fake_outb(PORT, 0x03);
	ck_assert_uint_eq(fake.events, 1);
	ck_assert_int_eq(fake.event, MACHINE_PANICKED);
}
END_TEST

START_TEST(a_taken_address_is_refused)
{
	ck_assert_ptr_null(pvpanic_create(&fake.bus, fake.mmio, ADDRESS, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, panic_is_one_byte_of_memory);
	tcase_add_test(tests, a_crash_kernel_does_not_end_the_run);
	tcase_add_test(tests, a_taken_address_is_refused);
}

int main(void)
{
	return run_suite("pvpanic", add_tests);
}
