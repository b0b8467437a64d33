/* SPDX-License-Identifier: BSD-3-Clause */
/* The CMOS clock beside the host's, and its memory. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include <time.h>

#include "devices/rtc.h"

enum { INDEX = 0x70, DATA = 0x71 };

static struct device *rtc;

static void setup(void)
{
	fake_bus_setup();
	rtc = rtc_create(&fake.bus, INDEX, &fake.err);
	ck_assert_ptr_nonnull(rtc);
}

static void teardown(void)
{
	rtc->ops->destroy(rtc);
	fake_bus_teardown();
}

static uint8_t get(uint8_t reg)
{
	fake_outb(INDEX, reg);
	return fake_inb(DATA);
}

static void set(uint8_t reg, uint8_t value)
{
	fake_outb(INDEX, reg);
	fake_outb(DATA, value);
}

static int from_bcd(uint8_t value)
{
	ck_assert_uint_lt(value & 0xf, 10);
	ck_assert_uint_lt(value >> 4, 10);
	return (value >> 4) * 10 + (value & 0xf);
}

static int as_is(uint8_t value)
{
	return value;
}

/* Reads as drivers do: outside an update, the time cannot change for two milliseconds. */
static time_t read_clock(int (*decode)(uint8_t value))
{
	struct tm utc = {0};
	uint8_t second;

	do {
		while (get(0x0a) & 0x80)
			;
		second = get(0x00);
		utc.tm_sec = decode(second);
		utc.tm_min = decode(get(0x02));
		utc.tm_hour = decode(get(0x04));
		utc.tm_wday = decode(get(0x06)) - 1;
		utc.tm_mday = decode(get(0x07));
		utc.tm_mon = decode(get(0x08)) - 1;
		utc.tm_year = decode(get(0x32)) * 100 + decode(get(0x09)) - 1900;
	} while (get(0x00) != second);
	ck_assert_int_ge(utc.tm_wday, 0);
	ck_assert_int_lt(utc.tm_wday, 7);
	return timegm(&utc);
}

/* As the device has it: time(2) goes by a clock that is some milliseconds late. */
static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec;
}

START_TEST(clock_shows_the_hosts_time)
{
	time_t before = now(), clock = read_clock(from_bcd);

	ck_assert_int_ge(clock, before);
	ck_assert_int_le(clock, now());
	set(0x0b, 0x06);
	before = now();
	clock = read_clock(as_is);
	ck_assert_int_ge(clock, before);
	ck_assert_int_le(clock, now());
}
END_TEST

/* Past 2100, which is no leap year. */
START_TEST(dates_are_those_of_the_calendar)
{
	for (int64_t days = 0; days < 60000; days++) {
		const time_t noon = (time_t)(days * 24 + 12) * 3600;
		struct rtc_date date = rtc_date_of(days);
		struct tm utc;

		ck_assert_ptr_nonnull(gmtime_r(&noon, &utc));
		ck_assert_int_eq(date.year, utc.tm_year + 1900);
		ck_assert_int_eq(date.month, utc.tm_mon + 1);
		ck_assert_int_eq(date.day, utc.tm_mday);
		ck_assert_int_eq(date.weekday, utc.tm_wday);
	}
}
END_TEST

START_TEST(twelve_hours_have_a_pm_bit)
{
	uint8_t hour, twelve;

	set(0x0b, 0x06);
	do {
		set(0x0b, 0x06);
		hour = get(0x04);
		set(0x0b, 0x04);
		twelve = get(0x04);
		set(0x0b, 0x06);
	} while (get(0x04) != hour);
	ck_assert_uint_eq(twelve & 0x80, hour >= 12 ? 0x80 : 0);
	ck_assert_uint_eq(twelve & 0x7f, hour % 12 ? hour % 12 : 12);
}
END_TEST

static long nanoseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_nsec;
}

static void sleep_until(long nanosecond)
{
	long now = nanoseconds_now();
	struct timespec pause = {
		.tv_nsec = nanosecond > now ? nanosecond - now : nanosecond - now + 999999999,
	};

	nanosleep(&pause, NULL);
}

/* Tried again where the machine was too busy for us to be awake in the two milliseconds. */
START_TEST(update_is_announced)
{
	bool seen = false;

	for (unsigned int tries = 0; tries < 60 && !seen; tries++) {
		sleep_until(995000000);
		while (nanoseconds_now() >= 990000000 && !seen)
			seen = get(0x0a) == 0xa6;
	}
	ck_assert(seen);
}
END_TEST

START_TEST(no_update_in_the_middle_of_a_second)
{
	long before = 1, after = 0;
	uint8_t value = 0;

	while (before < 100000000 || after < before || after > 900000000) {
		sleep_until(200000000);
		before = nanoseconds_now();
		value = get(0x0a);
		after = nanoseconds_now();
	}
	ck_assert_uint_eq(value, 0x26);
}
END_TEST

START_TEST(setting_mode_holds_the_update_flag_down)
{
	struct timespec start, end;

	set(0x0b, 0x82);
	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		ck_assert_uint_eq(get(0x0a), 0x26);
		clock_gettime(CLOCK_MONOTONIC, &end);
	} while ((end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000 <
		 1100);
}
END_TEST

START_TEST(time_and_status_cannot_be_set)
{
	time_t before, clock;

	set(0x09, 0x00);
	set(0x32, 0x19);
	set(0x04, 0x00);
	set(0x0c, 0xff);
	set(0x0d, 0x00);
	before = now();
	clock = read_clock(from_bcd);
	ck_assert_int_ge(clock, before);
	ck_assert_int_le(clock, now());
	ck_assert_uint_eq(get(0x0c), 0);
	ck_assert_uint_eq(get(0x0d), 0x80);
	set(0x0a, 0xff);
	ck_assert_uint_eq(get(0x0a) & 0x7f, 0x7f);
}
END_TEST

START_TEST(memory_keeps_what_is_written)
{
	for (unsigned int reg = 0x0e; reg < 0x80; reg++)
		if (reg != 0x32) {
			ck_assert_uint_eq(get((uint8_t)reg), 0);
			set((uint8_t)reg, (uint8_t)(reg ^ 0x5a));
		}
	rtc->ops->reset(rtc);
	for (unsigned int reg = 0x0e; reg < 0x80; reg++)
		if (reg != 0x32)
			ck_assert_uint_eq(get((uint8_t)(reg | 0x80)), reg ^ 0x5a);
}
END_TEST

START_TEST(word_writes_are_index_and_datum)
{
	fake_out(INDEX, 2, 0xa540);
	ck_assert_uint_eq(get(0x40), 0xa5);
	ck_assert_uint_eq(fake_inb(INDEX), 0xff);
	ck_assert_uint_eq(fake_in(DATA, 2), 0xffff);
}
END_TEST

START_TEST(reset_disables_interrupts_and_keeps_modes)
{
	set(0x0b, 0x7e);
	rtc->ops->reset(rtc);
	ck_assert_uint_eq(get(0x0b), 0x06);
	ck_assert_uint_eq(fake.changes, 0);
}
END_TEST

START_TEST(the_index_alone_may_wait)
{
	struct mem_view view;

	ck_assert(mem_map_find(fake.bus.pio, INDEX, &view));
	ck_assert_uint_eq(view.latch, 1);
	ck_assert_uint_eq(view.size, 2);
}
END_TEST

START_TEST(taken_ports_are_refused)
{
	ck_assert_ptr_null(rtc_create(&fake.bus, DATA, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, clock_shows_the_hosts_time);
	tcase_add_test(tests, dates_are_those_of_the_calendar);
	tcase_add_test(tests, twelve_hours_have_a_pm_bit);
	tcase_add_test(tests, update_is_announced);
	tcase_add_test(tests, no_update_in_the_middle_of_a_second);
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, setting_mode_holds_the_update_flag_down);
	tcase_add_test(tests, time_and_status_cannot_be_set);
	tcase_add_test(tests, memory_keeps_what_is_written);
	tcase_add_test(tests, word_writes_are_index_and_datum);
	tcase_add_test(tests, reset_disables_interrupts_and_keeps_modes);
	tcase_add_test(tests, the_index_alone_may_wait);
	tcase_add_test(tests, taken_ports_are_refused);
}

int main(void)
{
	return run_suite("rtc", add_tests);
}
