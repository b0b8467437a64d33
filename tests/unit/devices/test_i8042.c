/* SPDX-License-Identifier: BSD-3-Clause */
/* What is left of the keyboard controller: one command, which resets. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include "devices/i8042.h"

enum { PORT = 0x64 };

static struct device *device;

static void setup(void)
{
	fake_bus_setup();
	device = i8042_create(&fake.bus, PORT, &fake.err);
	ck_assert_msg(device, "%s", fake.err.text);
}

static void teardown(void)
{
	device->ops->destroy(device);
	ck_assert_uint_eq(fake_inb(PORT), 0xff);
	fake_bus_teardown();
}

START_TEST(it_resets_by_fe_alone)
{
	/* Neither full nor busy: a guest that waits for it goes on. */
	ck_assert_uint_eq(fake_inb(PORT), 0);
	for (unsigned int command = 0; command < 256; command++)
		if (command != 0xfe)
			fake_outb(PORT, (uint8_t)command);
	ck_assert_uint_eq(fake.events, 0);
	fake_outb(PORT, 0xfe);
	ck_assert_uint_eq(fake.events, 1);
	ck_assert_int_eq(fake.event, MACHINE_RESET);
}
END_TEST

START_TEST(a_taken_port_is_refused)
{
	ck_assert_ptr_null(i8042_create(&fake.bus, PORT, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, it_resets_by_fe_alone);
	tcase_add_test(tests, a_taken_port_is_refused);
}

int main(void)
{
	return run_suite("i8042", add_tests);
}
