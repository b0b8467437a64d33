/* SPDX-License-Identifier: BSD-3-Clause */
/* The debug exit, in memory and at ports: one word, whose value becomes an odd status. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include "devices/debug_exit.h"
#include "vmm/base/bits.h"

enum { ADDRESS = 0x09040000, PORT = 0xf4 };

static struct device *in_memory, *at_port;

static void setup(void)
{
	fake_bus_setup();
	in_memory = debug_exit_create(&fake.bus, fake.mmio, ADDRESS, &fake.err);
	at_port = debug_exit_create(&fake.bus, fake.pio, PORT, &fake.err);
	ck_assert_msg(in_memory && at_port, "%s", fake.err.text);
}

static void teardown(void)
{
	in_memory->ops->destroy(in_memory);
	at_port->ops->destroy(at_port);
	fake_bus_teardown();
}

START_TEST(debug_exit_is_one_word_of_memory)
{
	ck_assert_uint_eq(fake_read(ADDRESS, 4), UINT32_MAX);
	fake_write(ADDRESS, 1, 1);
	fake_write(ADDRESS, 2, 1);
	fake_write(ADDRESS, 8, 1);
	ck_assert_uint_eq(fake.events, 0);
	fake_write(ADDRESS, 4, 0x10);
	ck_assert_uint_eq(fake.events, 1);
	ck_assert_int_eq(fake.event, MACHINE_DEBUG_EXIT);
	ck_assert_uint_eq(fake.argument, 0x21);
}
END_TEST

START_TEST(the_status_is_odd)
{
	static const uint32_t values[][2] = {{0, 1},       {1, 3},    {0x10, 0x21},
					     {0x7f, 0xff}, {0x80, 1}, {UINT32_MAX, 0xff}};

	ck_assert_uint_eq(fake_in(PORT, 4), UINT32_MAX);
	fake_outb(PORT, 1);
	fake_out(PORT, 2, 1);
	ck_assert_uint_eq(fake.events, 0);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		fake_out(PORT, 4, values[i][0]);
		ck_assert_uint_eq(fake.events, i + 1);
		ck_assert_int_eq(fake.event, MACHINE_DEBUG_EXIT);
		ck_assert_uint_eq(fake.argument, values[i][1]);
	}
}
END_TEST

START_TEST(a_taken_address_is_refused)
{
	ck_assert_ptr_null(debug_exit_create(&fake.bus, fake.mmio, ADDRESS + 2, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, debug_exit_is_one_word_of_memory);
	tcase_add_test(tests, the_status_is_odd);
	tcase_add_test(tests, a_taken_address_is_refused);
}

int main(void)
{
	return run_suite("debug exit", add_tests);
}
