/* SPDX-License-Identifier: BSD-3-Clause */
/* The serial port's interrupt comes through pin 4 of the IOAPIC. */

#include "guest.h"
#include "interrupt.h"

enum {
	INTERRUPT_ENABLE = PORT_SERIAL + 1,
	INTERRUPT_IDENTIFY = PORT_SERIAL + 2,
	MODEM_CONTROL = PORT_SERIAL + 4,
	ENABLE_TRANSMITTER = 2,
	IDENTIFY_TRANSMITTER = 2,
	OUT2 = 8,
	SERIAL_PIN = 4,
	VECTOR = 0x40,
};

static volatile unsigned int count;

void interrupt_handle(void)
{
	if ((inb(INTERRUPT_IDENTIFY) & 0xf) == IDENTIFY_TRANSMITTER)
		count++;
	interrupt_end();
}

void guest_main(uint32_t magic, uintptr_t info)
{
	(void)magic;
	(void)info;
	interrupt_setup(VECTOR);
	ioapic_route(SERIAL_PIN, VECTOR);
	outb(MODEM_CONTROL, OUT2);
	outb(INTERRUPT_ENABLE, ENABLE_TRANSMITTER);
	interrupt_wait(&count, 1);
	outb(PORT_SERIAL, '!');
	interrupt_wait(&count, 2);
	pass();
}
