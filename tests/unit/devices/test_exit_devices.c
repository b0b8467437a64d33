/* SPDX-License-Identifier: BSD-3-Clause */
/* The panic device and the debug exit as memory, where a platform has no ports. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include "devices/debug_exit.h"
#include "devices/pvpanic.h"

enum { PVPANIC = 0x09030000, DEBUG_EXIT = 0x09040000 };

static struct device *pvpanic, *debug_exit;

static void setup(void)
{
	fake_bus_setup();
	pvpanic = pvpanic_create(&fake.bus, fake.mmio, PVPANIC, &fake.err);
	debug_exit = debug_exit_create(&fake.bus, fake.mmio, DEBUG_EXIT, &fake.err);
	ck_assert_msg(pvpanic && debug_exit, "%s", fake.err.text);
}

static void teardown(void)
{
	pvpanic->ops->destroy(pvpanic);
	debug_exit->ops->destroy(debug_exit);
	ck_assert_uint_eq(fake_read(PVPANIC, 1), 0xff);
	fake_bus_teardown();
}

START_TEST(panic_is_one_byte_of_memory)
{
	ck_assert_uint_eq(fake_read(PVPANIC, 1), 0x03);
	fake_write(PVPANIC, 1, 0x02);
	fake_write(PVPANIC + 1, 1, 0x01);
	ck_assert_uint_eq(fake.events, 0);
	fake_write(PVPANIC, 1, 0x01);
	ck_assert_uint_eq(fake.events, 1);
	ck_assert_int_eq(fake.event, MACHINE_PANICKED);
}
END_TEST

START_TEST(debug_exit_is_one_word_of_memory)
{
	ck_assert_uint_eq(fake_read(DEBUG_EXIT, 4), UINT32_MAX);
	fake_write(DEBUG_EXIT, 1, 1);
	fake_write(DEBUG_EXIT, 2, 1);
	fake_write(DEBUG_EXIT, 8, 1);
	ck_assert_uint_eq(fake.events, 0);
	fake_write(DEBUG_EXIT, 4, 0x10);
	ck_assert_uint_eq(fake.events, 1);
	ck_assert_int_eq(fake.event, MACHINE_DEBUG_EXIT);
	ck_assert_uint_eq(fake.argument, 0x21);
}
END_TEST

START_TEST(ports_are_left_alone)
{
	ck_assert_uint_eq(fake_inb((uint16_t)PVPANIC), 0xff);
	fake_outb((uint16_t)PVPANIC, 1);
	fake_out((uint16_t)DEBUG_EXIT, 4, 1);
	ck_assert_uint_eq(fake.events, 0);
}
END_TEST

START_TEST(taken_addresses_are_refused)
{
	ck_assert_ptr_null(pvpanic_create(&fake.bus, fake.mmio, DEBUG_EXIT, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
	ck_assert_ptr_null(debug_exit_create(&fake.bus, fake.mmio, PVPANIC, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, panic_is_one_byte_of_memory);
	tcase_add_test(tests, debug_exit_is_one_word_of_memory);
	tcase_add_test(tests, ports_are_left_alone);
	tcase_add_test(tests, taken_addresses_are_refused);
}

int main(void)
{
	return run_suite("exit devices", add_tests);
}
