/* SPDX-License-Identifier: BSD-3-Clause */
/* The PC's CMOS clock (MC146818), showing the host's UTC time, and its battery-backed memory. */

#ifndef FERRY_DEVICES_RTC_H
#define FERRY_DEVICES_RTC_H

#include <stdint.h>

#include "devices/device.h"

/*
 * At the index port @port (0x70) and the data port after it. No interrupts: the clock is read, not
 * waited for. Setting the time has no effect; BCD, binary, 12 and 24 hour modes do, and register
 * 0x32 is the century. NULL with @err set.
 */
struct device *rtc_create(const struct device_bus *bus, uint16_t port, struct err *err);

struct rtc_date {
	int year, month, day; /* months and days from 1 */
	int weekday;          /* from Sunday, 0 */
};

/*
 * The date of that many days after 1970-01-01, at least 0. The C library's gmtime_r() reads the
 * host's time zone first, and has the monitor keep the memory that this takes.
 */
struct rtc_date rtc_date_of(int64_t days);

#endif
