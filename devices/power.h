/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registers of hardware-reduced ACPI: sleep, reset, PM timer, and events with a power button.
 */

#ifndef FERRY_DEVICES_POWER_H
#define FERRY_DEVICES_POWER_H

#include <stdint.h>

#include "devices/device.h"

/* Ports are numbers in the bus's I/O space. */
struct power_config {
	uint16_t sleep_control; /* one byte (ACPI 6.5, 4.8.3.7); SLP_EN, @sleep_type: off */
	uint16_t sleep_status;  /* one byte */
	uint8_t sleep_type;     /* SLP_TYP of S5, 0 to 7 */
	uint16_t reset;         /* one byte; a write of @reset_value resets the machine */
	uint8_t reset_value;
	uint16_t timer;   /* 32 bits, counting up at POWER_TIMER_HZ (4.8.3.3) */
	uint16_t events;  /* 32 bits, read to clear */
	uint32_t button;  /* the bit of the power button in the event register */
	unsigned int gsi; /* level, high while an event is pending */
};

enum { POWER_TIMER_HZ = 3579545 };

struct power;

/* NULL with @err set. */
struct power *power_create(const struct device_bus *bus, const struct power_config *config,
			   struct err *err);
struct device *power_device(struct power *power);

/* Presses the button: the event stays pending until the guest reads it. Any thread. */
void power_button_press(struct power *power);

/*
 * The PC's reset control register, one byte at port 0xcf9 inside the PCI host's address register. A
 * write with bit 2 set resets the machine; what else was written reads back. @power is a struct
 * power. Any thread.
 */
void power_reset_control(void *power, uint8_t value);
uint8_t power_reset_control_read(void *power);

/* The timer's count after a time: exact, and wrapping at 32 bits. @nanoseconds is below 1e9. */
uint32_t power_timer_count(uint64_t seconds, uint32_t nanoseconds);

#endif
