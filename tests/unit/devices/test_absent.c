/* SPDX-License-Identifier: BSD-3-Clause */
/* Where nobody is, all bits read as ones, nothing is taken, and every write may wait. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include "devices/absent.h"

enum { PORT = 0x2e, COUNT = 2 };

static struct device *absent;

static void setup(void)
{
	fake_bus_setup();
	absent = absent_create(&fake.bus, "nobody", PORT, COUNT, &fake.err);
	ck_assert_msg(absent, "%s", fake.err.text);
}

static void teardown(void)
{
	absent->ops->destroy(absent);
	fake_bus_teardown();
}

START_TEST(nobody_answers)
{
	fake_outb(PORT, 0x87);
	fake_out(PORT, 2, 0x1234);
	ck_assert_uint_eq(fake_inb(PORT), 0xff);
	ck_assert_uint_eq(fake_inb(PORT + 1), 0xff);
	ck_assert_uint_eq(fake_in(PORT, 2), 0xffff);
	ck_assert_uint_eq(fake.events, 0);
}
END_TEST

START_TEST(all_of_it_may_wait)
{
	struct mem_view view;

	ck_assert(mem_map_find(fake.bus.pio, PORT + 1, &view));
	ck_assert_str_eq(view.name, "nobody");
	ck_assert_uint_eq(view.base, PORT);
	ck_assert_uint_eq(view.size, COUNT);
	ck_assert_uint_eq(view.latch, COUNT);
	ck_assert(!mem_map_find(fake.bus.pio, PORT + COUNT, &view));
}
END_TEST

START_TEST(taken_ports_are_refused)
{
	ck_assert_ptr_null(absent_create(&fake.bus, "another", PORT + 1, COUNT, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, nobody_answers);
	tcase_add_test(tests, all_of_it_may_wait);
	tcase_add_test(tests, taken_ports_are_refused);
}

int main(void)
{
	return run_suite("absent", add_tests);
}
