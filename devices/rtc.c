/* SPDX-License-Identifier: BSD-3-Clause */
/* The PC's CMOS clock (MC146818), showing the host's UTC time, and its battery-backed memory. */

#include "devices/rtc.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "vmm/base/bits.h"

enum { RTC_PORTS = 2, RTC_REGISTERS = 128, DAY = 24 * 60 * 60 };

enum {
	RTC_SECONDS = 0x00,
	RTC_MINUTES = 0x02,
	RTC_HOURS = 0x04,
	RTC_WEEKDAY = 0x06,
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0a,
	RTC_B = 0x0b,
	RTC_C = 0x0c,
	RTC_D = 0x0d,
	RTC_CENTURY = 0x32,
};

enum {
	RTC_A_UPDATING = 0x80,
	RTC_A_POWER_ON = 0x26, /* the 32.768 kHz crystal, divided for 1024 Hz */
	RTC_B_24_HOURS = 0x02,
	RTC_B_BINARY = 0x04,
	RTC_B_SQUARE_WAVE = 0x08,
	RTC_B_INTERRUPTS = 0x70,
	RTC_B_SET = 0x80,
	RTC_D_VALID = 0x80,
	RTC_PM = 0x80,
};

/* The update flag goes up this long before the time changes: 244 us and the update's 1984. */
enum { RTC_UPDATE_NS = 244000 + 1984000 };

struct rtc {
	struct device device;
	struct mem_region region;
	pthread_mutex_t lock; /* the rest */
	uint8_t index;
	uint8_t registers[RTC_REGISTERS]; /* those of the time stay unused */
};

static uint8_t rtc_encode(const struct rtc *rtc, int value)
{
	if (rtc->registers[RTC_B] & RTC_B_BINARY)
		return (uint8_t)value;
	return (uint8_t)(value / 10 << 4 | value % 10);
}

static uint8_t rtc_hours(const struct rtc *rtc, int hours)
{
	uint8_t pm = hours >= 12 ? RTC_PM : 0;

	if (rtc->registers[RTC_B] & RTC_B_24_HOURS)
		return rtc_encode(rtc, hours);
	return rtc_encode(rtc, hours % 12 ? hours % 12 : 12) | pm;
}

static uint8_t rtc_updating(const struct rtc *rtc, long nanoseconds)
{
	bool held = rtc->registers[RTC_B] & RTC_B_SET;

	return !held && nanoseconds >= 1000000000 - RTC_UPDATE_NS ? RTC_A_UPDATING : 0;
}

static int rtc_days_of_year(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365;
}

static int rtc_days_of_month(int month, int year)
{
	if (month == 2)
		return rtc_days_of_year(year) - 337;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

struct rtc_date rtc_date_of(int64_t days)
{
	struct rtc_date date = {.year = 1970, .month = 1, .weekday = (int)((days + 4) % 7)};

	while (days >= rtc_days_of_year(date.year))
		days -= rtc_days_of_year(date.year++);
	while (days >= rtc_days_of_month(date.month, date.year))
		days -= rtc_days_of_month(date.month++, date.year);
	date.day = (int)days + 1;
	return date;
}

static uint8_t rtc_read_register(const struct rtc *rtc, uint8_t index)
{
	struct timespec now;
	struct rtc_date date;
	int second;

	clock_gettime(CLOCK_REALTIME, &now);
	date = rtc_date_of(now.tv_sec / DAY);
	second = (int)(now.tv_sec % DAY);
	switch (index) {
	case RTC_SECONDS:
		return rtc_encode(rtc, second % 60);
	case RTC_MINUTES:
		return rtc_encode(rtc, second / 60 % 60);
	case RTC_HOURS:
		return rtc_hours(rtc, second / 3600);
	case RTC_WEEKDAY:
		return rtc_encode(rtc, date.weekday + 1);
	case RTC_DAY:
		return rtc_encode(rtc, date.day);
	case RTC_MONTH:
		return rtc_encode(rtc, date.month);
	case RTC_YEAR:
		return rtc_encode(rtc, date.year % 100);
	case RTC_CENTURY:
		return rtc_encode(rtc, date.year / 100);
	case RTC_A:
		return (uint8_t)(rtc->registers[RTC_A] | rtc_updating(rtc, now.tv_nsec));
	case RTC_C:
		return 0; /* no interrupt ever */
	case RTC_D:
		return RTC_D_VALID;
	default:
		return rtc->registers[index];
	}
}

static enum mem_result rtc_read(void *owner, uint64_t offset, unsigned int size, uint64_t *value)
{
	const struct rtc *rtc = owner;

	*value = all_ones(size);
	if (offset == 1)
		*value = rtc_read_register(rtc, rtc->index);
	return MEM_DONE;
}

static void rtc_write_register(struct rtc *rtc, uint8_t index, uint8_t value)
{
	if (index == RTC_A)
		value &= (uint8_t)~RTC_A_UPDATING;
	rtc->registers[index] = value;
}

/*
 * A 16-bit write is the index with its datum. The index's top bit masks the NMI, which is not here.
 */
static enum mem_result rtc_write(void *owner, uint64_t offset, unsigned int size, uint64_t value)
{
	struct rtc *rtc = owner;

	if (offset == 0)
		rtc->index = value & (RTC_REGISTERS - 1);
	if (offset == 1 || size == RTC_PORTS)
		rtc_write_register(rtc, rtc->index, (uint8_t)(value >> (8 * (1 - offset))));
	return MEM_DONE;
}

/* The memory and the modes outlive a reset; the enabled interrupts do not. */
static void rtc_reset(struct device *device)
{
	struct rtc *rtc = container_of(device, struct rtc, device);

	pthread_mutex_lock(&rtc->lock);
	rtc->index = 0;
	rtc->registers[RTC_B] &= (uint8_t) ~(RTC_B_INTERRUPTS | RTC_B_SQUARE_WAVE);
	pthread_mutex_unlock(&rtc->lock);
}

static void rtc_destroy(struct device *device)
{
	struct rtc *rtc = container_of(device, struct rtc, device);

	mem_map_del(&rtc->region);
	pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}

static const struct device_ops rtc_device_ops = {
	.reset = rtc_reset,
	.destroy = rtc_destroy,
};
static const struct mem_ops rtc_ops = {.read = rtc_read, .write = rtc_write};

struct device *rtc_create(const struct device_bus *bus, uint16_t port, struct err *err)
{
	struct rtc *rtc = calloc(1, sizeof(*rtc));

	if (!rtc) {
		err_set(err, -ENOMEM, "clock: out of memory");
		return NULL;
	}
	rtc->device.ops = &rtc_device_ops;
	pthread_mutex_init(&rtc->lock, NULL);
	rtc->registers[RTC_A] = RTC_A_POWER_ON;
	rtc->registers[RTC_B] = RTC_B_24_HOURS;
	rtc->region = (struct mem_region){
		.name = "clock",
		.kind = MEM_TRAP,
		.size = RTC_PORTS,
		.ops = &rtc_ops,
		.owner = rtc,
		.lock = &rtc->lock,
		.latch = 1, /* the index; with its datum it is a write of two bytes */
	};
	if (mem_map_add(bus->pio, &rtc->region, port, err) < 0) {
		rtc_destroy(&rtc->device);
		return NULL;
	}
	return &rtc->device;
}
