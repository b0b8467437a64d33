/* SPDX-License-Identifier: BSD-3-Clause */
/* The ACPI PM timer goes on at its rate, as far as the real-time clock's seconds tell. */

#include "guest.h"

enum { PORT_RTC_INDEX = 0x70, PORT_RTC_DATA = 0x71, RATE = 3579545 };

static uint8_t seconds(void)
{
	outb(PORT_RTC_INDEX, 0);
	return inb(PORT_RTC_DATA);
}

static uint32_t wait_for_next_second(void)
{
	uint8_t now = seconds();

	while (seconds() == now)
		pause();
	return inl(PORT_PM_TIMER);
}

void guest_main(uint32_t magic, uintptr_t info)
{
	uint32_t start, ticks;

	(void)magic;
	(void)info;
	start = wait_for_next_second();
	ticks = wait_for_next_second() - start;
	check(ticks > RATE / 10 * 9 && ticks < RATE / 10 * 11, "ticks in a second", ticks);
	pass();
}
