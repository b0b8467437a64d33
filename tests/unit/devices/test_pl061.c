/* SPDX-License-Identifier: BSD-3-Clause */
/* The PL061's lines, and its buttons as a driver that debounces them sees them. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include <pthread.h>

#include "devices/pl061.h"
#include "vmm/base/bits.h"

enum { BASE = 0x09020000, LINE = 3, BUTTON = 3, BIT = 1 << BUTTON };
enum {
	DIR = 0x400,
	IS = 0x404,
	IBE = 0x408,
	IEV = 0x40c,
	IE = 0x410,
	RIS = 0x414,
	MIS = 0x418,
	IC = 0x41c,
	AFSEL = 0x420,
};

static struct pl061 *gpio;

static void setup(void)
{
	fake_bus_setup();
	gpio = pl061_create(&fake.bus, BASE, LINE, &fake.err);
	ck_assert_ptr_nonnull(gpio);
}

static void teardown(void)
{
	struct device *device = pl061_device(gpio);

	device->ops->destroy(device);
	fake_bus_teardown();
}

static uint8_t in(unsigned int reg)
{
	return (uint8_t)fake_read(BASE + reg, 1);
}

static void out(unsigned int reg, uint8_t value)
{
	fake_write(BASE + reg, 1, value);
}

static uint8_t data(uint8_t selected)
{
	return in((unsigned int)selected << 2);
}

/* What Linux does for a GPIO interrupt by both edges. */
static void listen(void)
{
	out(IE, 0);
	out(IS, 0);
	out(IBE, BIT);
	out(IEV, 0);
	out(IC, BIT);
	out(IE, BIT);
}

/* The interrupt handler: true when it was the button's, which it acknowledges. */
static bool take_interrupt(void)
{
	if (!fake.level[LINE])
		return false;
	ck_assert_uint_eq(in(MIS), BIT);
	out(IC, BIT);
	return true;
}

START_TEST(power_on_state)
{
	for (unsigned int reg = 0; reg < 0x424; reg += 4)
		ck_assert_uint_eq(in(reg), 0);
	ck_assert_uint_eq(fake.changes, 0);
}
END_TEST

START_TEST(identifies_as_pl061)
{
	static const uint8_t ids[] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_uint_eq(fake_read(BASE + 0xfe0 + 4 * i, 4), ids[i]);
}
END_TEST

START_TEST(registers_are_eight_bits)
{
	static const unsigned int kept[] = {DIR, IS, IBE, IEV, IE, AFSEL};

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		fake_write(BASE + kept[i], 4, 0xffffffa5);
		ck_assert_uint_eq(fake_read(BASE + kept[i], 4), 0xa5);
		fake_write(BASE + kept[i], 2, 0);
		ck_assert_uint_eq(fake_read(BASE + kept[i], 2), 0);
	}
	ck_assert_uint_eq(fake_read(BASE + DIR + 1, 1), 0);
}
END_TEST

START_TEST(address_bits_select_lines)
{
	out(DIR, 0x0f);
	out(0xff << 2, 0xff); /* inputs are not driven */
	ck_assert_uint_eq(data(0xff), 0x0f);
	out(0x05 << 2, 0x00);
	ck_assert_uint_eq(data(0xff), 0x0a);
	ck_assert_uint_eq(data(0x02), 0x02);
	ck_assert_uint_eq(data(0x00), 0x00);
	out(DIR, 0xff);
	ck_assert_uint_eq(data(0xff), 0x0a);
}
END_TEST

/* Interrupt, debounce, look: high; interrupt of the release, debounce, look: low. Once. */
START_TEST(debounced_press_is_seen_once)
{
	listen();
	for (unsigned int i = 0; i < 3; i++) {
		pl061_press(gpio, BUTTON);
		ck_assert(take_interrupt());
		ck_assert(!take_interrupt());
		ck_assert_uint_eq(data(BIT), BIT);
		ck_assert(take_interrupt());
		ck_assert_uint_eq(data(BIT), 0);
		ck_assert(!take_interrupt());
	}
	ck_assert_uint_eq(fake.rises[LINE], 6);
}
END_TEST

/* Before any driver is there: who looks when it starts sees the button, and then its release. */
START_TEST(press_waits_for_a_listener)
{
	pl061_press(gpio, BUTTON);
	pl061_press(gpio, BUTTON);
	ck_assert_uint_eq(fake.changes, 0);
	listen();
	ck_assert(!take_interrupt());
	ck_assert_uint_eq(data((uint8_t)~BIT), 0);
	ck_assert_uint_eq(data(BIT), BIT);
	ck_assert(take_interrupt());
	ck_assert_uint_eq(data(BIT), 0);
	pl061_press(gpio, BUTTON);
	ck_assert(take_interrupt());
}
END_TEST

/* Pressed again while the release is on its way: the key stays down a little longer. */
START_TEST(press_during_a_release_is_released_too)
{
	listen();
	pl061_press(gpio, BUTTON);
	ck_assert(take_interrupt());
	ck_assert_uint_eq(data(BIT), BIT);
	pl061_press(gpio, BUTTON);
	ck_assert(take_interrupt());
	ck_assert_uint_eq(data(BIT), BIT);
	ck_assert(take_interrupt());
	ck_assert_uint_eq(data(BIT), 0);
	ck_assert(!take_interrupt());
}
END_TEST

/* A handler of rising edges, such as ACPI's, need not look at the line at all. */
START_TEST(each_press_is_a_rising_edge)
{
	out(IEV, BIT);
	out(IE, BIT);
	for (unsigned int i = 0; i < 3; i++) {
		pl061_press(gpio, BUTTON);
		ck_assert(take_interrupt());
		ck_assert(!take_interrupt());
	}
	ck_assert_uint_eq(data(BIT), BIT); /* letting go is no edge of interest */
	ck_assert_uint_eq(in(RIS), 0);
}
END_TEST

START_TEST(falling_edge_is_the_release)
{
	out(IE, BIT);
	pl061_press(gpio, BUTTON);
	ck_assert(!fake.level[LINE]);
	ck_assert_uint_eq(data(0xff), BIT);
	ck_assert(fake.level[LINE]);
	ck_assert_uint_eq(in(RIS), BIT);
}
END_TEST

START_TEST(level_follows_the_line)
{
	out(IS, BIT);
	out(IEV, BIT);
	out(IE, BIT);
	ck_assert(!fake.level[LINE]);
	pl061_press(gpio, BUTTON);
	ck_assert(fake.level[LINE]);
	out(IC, BIT); /* clears edges only */
	ck_assert(fake.level[LINE]);
	ck_assert_uint_eq(data(BIT), BIT);
	ck_assert(!fake.level[LINE]);
	out(IEV, 0);
	ck_assert(fake.level[LINE]);
}
END_TEST

START_TEST(masked_edges_are_kept)
{
	out(IBE, BIT);
	pl061_press(gpio, BUTTON);
	ck_assert_uint_eq(in(RIS), BIT);
	ck_assert_uint_eq(in(MIS), 0);
	ck_assert(!fake.level[LINE]);
	out(IE, BIT);
	ck_assert(fake.level[LINE]);
	out(IE, 0);
	ck_assert(!fake.level[LINE]);
}
END_TEST

START_TEST(outputs_hide_the_button)
{
	out(DIR, BIT);
	pl061_press(gpio, BUTTON);
	ck_assert_uint_eq(data(BIT), 0);
	out(DIR, 0);
	ck_assert_uint_eq(data(BIT), BIT);
	ck_assert_uint_eq(data(BIT), 0);
}
END_TEST

START_TEST(reset_lets_go)
{
	struct device *device = pl061_device(gpio);

	listen();
	out(DIR, 1);
	pl061_press(gpio, BUTTON);
	ck_assert(fake.level[LINE]);
	device->ops->reset(device);
	ck_assert(!fake.level[LINE]);
	for (unsigned int reg = 0; reg < 0x424; reg += 4)
		ck_assert_uint_eq(in(reg), 0);
}
END_TEST

START_TEST(taken_addresses_are_refused)
{
	ck_assert_ptr_null(pl061_create(&fake.bus, BASE, LINE, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
}
END_TEST

static void *press_often(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; i < 1000; i++)
		pl061_press(gpio, BUTTON);
	return NULL;
}

START_TEST(presses_race_with_the_guest)
{
	unsigned int seen = 0;
	pthread_t thread;

	listen();
	ck_assert_int_eq(pthread_create(&thread, NULL, press_often, NULL), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		out(IC, BIT);
		seen += data(BIT) != 0;
	}
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	pl061_press(gpio, BUTTON);
	ck_assert(take_interrupt());
	seen += data(BIT) != 0;
	ck_assert_uint_gt(seen, 0);
	ck_assert(take_interrupt());
	ck_assert_uint_eq(data(BIT), 0);
	ck_assert(!take_interrupt());
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, power_on_state);
	tcase_add_test(tests, identifies_as_pl061);
	tcase_add_test(tests, registers_are_eight_bits);
	tcase_add_test(tests, address_bits_select_lines);
	tcase_add_test(tests, debounced_press_is_seen_once);
	tcase_add_test(tests, press_waits_for_a_listener);
	tcase_add_test(tests, press_during_a_release_is_released_too);
	tcase_add_test(tests, each_press_is_a_rising_edge);
	tcase_add_test(tests, falling_edge_is_the_release);
	tcase_add_test(tests, level_follows_the_line);
	tcase_add_test(tests, masked_edges_are_kept);
	tcase_add_test(tests, outputs_hide_the_button);
	tcase_add_test(tests, reset_lets_go);
	tcase_add_test(tests, taken_addresses_are_refused);
	tcase_add_test(tests, presses_race_with_the_guest);
}

int main(void)
{
	return run_suite("pl061", add_tests);
}
