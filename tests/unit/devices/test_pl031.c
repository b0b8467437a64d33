/* SPDX-License-Identifier: BSD-3-Clause */
/* The PL031 clock beside the host's, its setting and its alarm. */

#include "tests/unit/support/fake_bus.h"
#include "tests/unit/support/suite.h"

#include <time.h>

#include "devices/pl031.h"
#include "vmm/base/bits.h"

enum { BASE = 0x09010000, LINE = 2 };
enum {
	DR = 0x00,
	MR = 0x04,
	LR = 0x08,
	CR = 0x0c,
	IMSC = 0x10,
	RIS = 0x14,
	MIS = 0x18,
	ICR = 0x1c,
};

static struct device *clock_device;

/* The device's own time is this, so that a test need not wait. */
static time_t host_time;

time_t time(time_t *result)
{
	if (result)
		*result = host_time;
	return host_time;
}

static void setup(void)
{
	fake_bus_setup();
	host_time = 1700000000;
	clock_device = pl031_create(&fake.bus, BASE, LINE, &fake.err);
	ck_assert_ptr_nonnull(clock_device);
}

static void teardown(void)
{
	clock_device->ops->destroy(clock_device);
	fake_bus_teardown();
}

static uint32_t in(unsigned int reg)
{
	return fake_read(BASE + reg, 4);
}

static void out(unsigned int reg, uint32_t value)
{
	fake_write(BASE + reg, 4, value);
}

START_TEST(shows_the_hosts_seconds)
{
	ck_assert_uint_eq(in(DR), 1700000000);
	host_time++;
	ck_assert_uint_eq(in(DR), 1700000001);
	host_time = (time_t)1 << 32; /* 2106 */
	ck_assert_uint_eq(in(DR), 0);
	ck_assert_uint_eq(fake.changes, 0);
}
END_TEST

START_TEST(identifies_as_pl031)
{
	static const uint8_t ids[] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++)
		ck_assert_uint_eq(in(0xfe0 + 4 * i), ids[i]);
}
END_TEST

START_TEST(always_runs)
{
	ck_assert_uint_eq(in(CR), 1);
	out(CR, 0);
	ck_assert_uint_eq(in(CR), 1);
	out(IMSC, UINT32_MAX);
	ck_assert_uint_eq(in(IMSC), 1);
}
END_TEST

START_TEST(setting_lasts_until_reset)
{
	out(LR, 1000);
	ck_assert_uint_eq(in(DR), 1000);
	ck_assert_uint_eq(in(LR), 1000);
	host_time += 5;
	ck_assert_uint_eq(in(DR), 1005);
	out(LR, UINT32_MAX);
	host_time += 2;
	ck_assert_uint_eq(in(DR), 1);
	clock_device->ops->reset(clock_device);
	ck_assert_uint_eq(in(DR), (uint32_t)host_time);
	ck_assert_uint_eq(in(LR), 0);
}
END_TEST

START_TEST(alarm_comes_when_somebody_looks)
{
	out(MR, in(DR) + 10);
	out(ICR, 1);
	out(IMSC, 1);
	host_time += 9;
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert(!fake.level[LINE]);
	host_time += 5;
	ck_assert_uint_eq(in(DR), (uint32_t)host_time);
	ck_assert(fake.level[LINE]);
	ck_assert_uint_eq(in(RIS), 1);
	ck_assert_uint_eq(in(MIS), 1);
	out(ICR, 1);
	ck_assert(!fake.level[LINE]);
	host_time++;
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert_uint_eq(fake.rises[LINE], 1);
}
END_TEST

START_TEST(masked_alarm_shows_raw)
{
	out(MR, in(DR));
	ck_assert_uint_eq(in(RIS), 1);
	ck_assert_uint_eq(in(MIS), 0);
	ck_assert_uint_eq(fake.changes, 0);
	out(IMSC, 1);
	ck_assert(fake.level[LINE]);
	clock_device->ops->reset(clock_device);
	ck_assert(!fake.level[LINE]);
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert_uint_eq(in(IMSC), 0);
	ck_assert_uint_eq(in(MR), 0);
}
END_TEST

START_TEST(no_alarm_for_what_is_over)
{
	out(IMSC, 1);
	out(MR, in(DR)-1);
	host_time += 100;
	ck_assert_uint_eq(in(RIS), 0);
	ck_assert_uint_eq(fake.changes, 0);
}
END_TEST

START_TEST(narrow_accesses_see_their_part)
{
	host_time = 0x12345678;
	ck_assert_uint_eq(fake_read(BASE + DR, 1), 0x78);
	ck_assert_uint_eq(fake_read(BASE + DR + 2, 2), 0x1234);
	ck_assert_uint_eq(fake_read(BASE + 0x20, 4), 0);
	ck_assert_uint_eq(fake_read(BASE + 0x1000, 4), UINT32_MAX);
}
END_TEST

START_TEST(taken_addresses_are_refused)
{
	ck_assert_ptr_null(pl031_create(&fake.bus, BASE, LINE, &fake.err));
	ck_assert_int_eq(fake.err.code, -EBUSY);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, shows_the_hosts_seconds);
	tcase_add_test(tests, identifies_as_pl031);
	tcase_add_test(tests, always_runs);
	tcase_add_test(tests, setting_lasts_until_reset);
	tcase_add_test(tests, alarm_comes_when_somebody_looks);
	tcase_add_test(tests, masked_alarm_shows_raw);
	tcase_add_test(tests, no_alarm_for_what_is_over);
	tcase_add_test(tests, narrow_accesses_see_their_part);
	tcase_add_test(tests, taken_addresses_are_refused);
}

int main(void)
{
	return run_suite("pl031", add_tests);
}
