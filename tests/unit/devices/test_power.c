/* SPDX-License-Identifier: BSD-3-Clause */
/* Sleep, reset, timer and event registers, and the power button. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include <time.h>

#include "devices/power.h"

enum {
	SLEEP_CONTROL = 0x600,
	SLEEP_STATUS = 0x601,
	RESET = 0x602,
	EVENTS = 0x604,
	TIMER = 0x608,
	GSI = 9,
};

static const struct power_config config = {
	.sleep_control = SLEEP_CONTROL,
	.sleep_status = SLEEP_STATUS,
	.sleep_type = 5,
	.reset = RESET,
	.reset_value = 1,
	.timer = TIMER,
	.events = EVENTS,
	.button = 1,
	.gsi = GSI,
};

static struct power *power;

static void setup(void)
{
	fake_bus_setup();
	power = power_create(&fake.bus, &config, &fake.err);
	ck_assert_ptr_nonnull(power);
}

static void teardown(void)
{
	struct device *device = power_device(power);

	device->ops->destroy(device);
	fake_bus_teardown();
}

START_TEST(sleep_type_5_with_enable_powers_off)
{
	fake_outb(SLEEP_CONTROL, 5 << 2);
	ck_assert_uint_eq(fake.events, 0);
	fake_outb(SLEEP_CONTROL, 5 << 2 | 0x20);
	ck_assert_uint_eq(fake.events, 1);
	ck_assert_int_eq(fake.event, MACHINE_POWER_OFF);
	ck_assert_uint_eq(fake_inb(SLEEP_CONTROL), 0);
}
END_TEST

/* ACPICA waits for the wake status after any other state. */
START_TEST(other_sleep_types_wake_at_once)
{
	ck_assert_uint_eq(fake_inb(SLEEP_STATUS), 0);
	for (uint8_t type = 0; type < 8; type++) {
		if (type == 5)
			continue;
		fake_outb(SLEEP_CONTROL, (uint8_t)(type << 2 | 0x20));
		ck_assert_uint_eq(fake_inb(SLEEP_STATUS), 0x80);
		fake_outb(SLEEP_STATUS, 0x7f);
		ck_assert_uint_eq(fake_inb(SLEEP_STATUS), 0x80);
		fake_outb(SLEEP_STATUS, 0x80);
		ck_assert_uint_eq(fake_inb(SLEEP_STATUS), 0);
	}
	ck_assert_uint_eq(fake.events, 0);
}
END_TEST

START_TEST(reset_register_takes_its_value_only)
{
	for (unsigned int value = 0; value < 256; value++)
		if (value != 1)
			fake_outb(RESET, (uint8_t)value);
	ck_assert_uint_eq(fake.events, 0);
	fake_outb(RESET, 1);
	ck_assert_uint_eq(fake.events, 1);
	ck_assert_int_eq(fake.event, MACHINE_RESET);
}
END_TEST

START_TEST(reset_control_resets_by_bit_2)
{
	power_reset_control(power, 0x02);
	ck_assert_uint_eq(fake.events, 0);
	ck_assert_uint_eq(power_reset_control_read(power), 0x02);
	power_reset_control(power, 0x06);
	ck_assert_uint_eq(fake.events, 1);
	ck_assert_int_eq(fake.event, MACHINE_RESET);
	power_reset_control(power, 0xff);
	ck_assert_uint_eq(fake.events, 2);
	ck_assert_uint_eq(power_reset_control_read(power), 0x0a);
}
END_TEST

START_TEST(registers_do_not_answer_for_their_neighbours)
{
	fake_out(SLEEP_CONTROL, 2, 5 << 2 | 0x20);
	fake_out(RESET, 2, 1);
	ck_assert_uint_eq(fake.events, 0);
	ck_assert_uint_eq(fake_in(SLEEP_CONTROL, 4), 0xffffffff);
	ck_assert_uint_eq(fake_inb(0x603), 0xff);
	power_button_press(power);
	ck_assert_uint_eq(fake_in(EVENTS + 2, 4), 0xffffffff);
	ck_assert(fake.level[GSI]);
}
END_TEST

START_TEST(button_holds_the_line_until_read)
{
	ck_assert_uint_eq(fake_in(EVENTS, 4), 0);
	ck_assert_uint_eq(fake.changes, 0);
	power_button_press(power);
	power_button_press(power);
	ck_assert(fake.level[GSI]);
	ck_assert_uint_eq(fake.rises[GSI], 1);
	fake_out(EVENTS, 4, 0xffffffff);
	ck_assert(fake.level[GSI]);
	ck_assert_uint_eq(fake_in(EVENTS, 4), 1);
	ck_assert(!fake.level[GSI]);
	ck_assert_uint_eq(fake_in(EVENTS, 4), 0);
	power_button_press(power);
	ck_assert_uint_eq(fake.rises[GSI], 2);
	ck_assert_uint_eq(fake.events, 0);
}
END_TEST

START_TEST(narrow_reads_take_the_events_they_see)
{
	power_button_press(power);
	ck_assert_uint_eq(fake_inb(EVENTS + 1), 0);
	ck_assert_uint_eq(fake_in(EVENTS + 2, 2), 0);
	ck_assert(fake.level[GSI]);
	ck_assert_uint_eq(fake_inb(EVENTS), 1);
	ck_assert(!fake.level[GSI]);
}
END_TEST

START_TEST(reset_forgets_the_button)
{
	struct device *device = power_device(power);

	power_button_press(power);
	fake_outb(SLEEP_CONTROL, 0x20);
	power_reset_control(power, 0x02);
	device->ops->reset(device);
	ck_assert(!fake.level[GSI]);
	ck_assert_uint_eq(fake_in(EVENTS, 4), 0);
	ck_assert_uint_eq(fake_inb(SLEEP_STATUS), 0);
	ck_assert_uint_eq(power_reset_control_read(power), 0);
}
END_TEST

START_TEST(timer_is_exact_after_years)
{
	ck_assert_uint_eq(power_timer_count(0, 0), 0);
	ck_assert_uint_eq(power_timer_count(0, 279), 0);
	ck_assert_uint_eq(power_timer_count(0, 280), 1);
	ck_assert_uint_eq(power_timer_count(0, 999999999), 3579544);
	ck_assert_uint_eq(power_timer_count(1, 0), 3579545);
	/* 2^32 ticks are 1199.864031 s. */
	ck_assert_uint_eq(power_timer_count(1199, 864031881), 4294967295);
	ck_assert_uint_eq(power_timer_count(1199, 864031882), 0);
	/* 100 years: 3155760000 * 3579545 mod 2^32. */
	ck_assert_uint_eq(power_timer_count(3155760000, 0),
			  (uint32_t)(UINT64_C(3155760000) * 3579545 % (UINT64_C(1) << 32)));
}
END_TEST

/* And a part of one. */
static uint64_t ticks_since(const struct timespec *before)
{
	struct timespec now;
	uint64_t elapsed;

	clock_gettime(CLOCK_MONOTONIC, &now);
	elapsed = (uint64_t)(now.tv_sec - before->tv_sec) * 1000000000 +
		  (uint64_t)(now.tv_nsec - before->tv_nsec);
	return elapsed * 3579545 / 1000000000 + 1;
}

START_TEST(timer_runs_at_its_rate)
{
	const struct timespec pause = {.tv_nsec = 20000000};
	struct timespec before;
	uint32_t first, second, third;

	clock_gettime(CLOCK_MONOTONIC, &before);
	first = fake_in(TIMER, 4);
	nanosleep(&pause, NULL);
	second = fake_in(TIMER, 4);
	ck_assert_uint_ge(second - first, 71590); /* 20 ms */
	ck_assert_uint_le(second - first, ticks_since(&before));
	fake_out(TIMER, 4, 0);
	third = fake_in(TIMER, 4);
	ck_assert_uint_le(third - second, ticks_since(&before));
	ck_assert_uint_le(fake_in(TIMER + 2, 2), 0xffff);
}
END_TEST

START_TEST(all_ports_or_none)
{
	struct power_config overlapping = config;

	overlapping.sleep_control = 0x700;
	overlapping.sleep_status = 0x701;
	overlapping.reset = 0x702;
	overlapping.timer = 0x708;
	ck_assert_ptr_null(power_create(&fake.bus, &overlapping, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
	ck_assert_uint_eq(fake_inb(0x700), 0xff);
	ck_assert_uint_eq(fake_in(EVENTS, 4), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, sleep_type_5_with_enable_powers_off);
	tcase_add_test(tests, other_sleep_types_wake_at_once);
	tcase_add_test(tests, reset_register_takes_its_value_only);
	tcase_add_test(tests, reset_control_resets_by_bit_2);
	tcase_add_test(tests, registers_do_not_answer_for_their_neighbours);
	tcase_add_test(tests, button_holds_the_line_until_read);
	tcase_add_test(tests, narrow_reads_take_the_events_they_see);
	tcase_add_test(tests, reset_forgets_the_button);
	tcase_add_test(tests, timer_is_exact_after_years);
	tcase_add_test(tests, timer_runs_at_its_rate);
	tcase_add_test(tests, all_ports_or_none);
}

int main(void)
{
	return run_suite("power", add_tests);
}
