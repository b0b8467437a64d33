/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is written to a port that KVM may keep for later is seen by whatever comes after it, also by
 * the other processor.
 */

#include "guest.h"

enum {
	LAPIC_SPURIOUS = 0xfee000f0,
	LAPIC_ICR = 0xfee00300,
	ICR_INIT_ALL_BUT_SELF = 0xc4500,
	ICR_STARTUP_ALL_BUT_SELF = 0xc4600,
	TRAMPOLINE = 0x8000,
	PORT_ADDRESS = 0xcf8,
	PORT_DATA = 0xcfc,
	PORT_INDEX = 0x70,
	PORT_DATUM = 0x71,
	MORE_THAN_A_RING = 500,
	TURNS = 200,
};

static const uint32_t enable = UINT32_C(1) << 31;

extern const uint8_t trampoline[], trampoline_end[];
void processor_main(void);

static volatile uint32_t written, seen; /* the turn that each processor is at */

void processor_main(void)
{
	for (uint32_t turn = 1; turn <= TURNS; turn++) {
		outl(PORT_ADDRESS, enable | turn << 8);
		written = turn;
		while (seen != turn)
			pause();
	}
	halt();
}

static void check_other_processor(void)
{
	uint8_t *to = (uint8_t *)TRAMPOLINE;

	for (const uint8_t *from = trampoline; from < trampoline_end; from++)
		*to++ = *from;
	write32(LAPIC_SPURIOUS, 0x1ff);
	write32(LAPIC_ICR, ICR_INIT_ALL_BUT_SELF);
	write32(LAPIC_ICR, ICR_STARTUP_ALL_BUT_SELF | TRAMPOLINE >> 12);
	for (uint32_t turn = 1; turn <= TURNS; turn++) {
		while (written != turn)
			pause();
		check(inl(PORT_ADDRESS) == (enable | turn << 8), "the other's write", turn);
		seen = turn;
	}
}

static void check_address(void)
{
	uint32_t bridge;

	outl(PORT_ADDRESS, enable | 8);
	bridge = inl(PORT_DATA);
	for (uint32_t i = 0; i < MORE_THAN_A_RING; i++)
		outl(PORT_ADDRESS, enable | i << 8);
	check(inl(PORT_ADDRESS) == (enable | (MORE_THAN_A_RING - 1) << 8), "the last of many",
	      inl(PORT_ADDRESS));
	outl(PORT_ADDRESS, enable | 8);
	outb(PORT_ADDRESS, 0xff);
	outw(PORT_ADDRESS + 2, 0xffff);
	outb(PORT_ADDRESS + 3, 0x01);
	check(inl(PORT_ADDRESS) == (enable | 8), "no dword", inl(PORT_ADDRESS));
	check(inw(PORT_DATA + 2) == bridge >> 16, "its class", inw(PORT_DATA + 2));
	outl(PORT_ADDRESS, enable);
	check(inl(PORT_DATA) != bridge, "who made it", inl(PORT_DATA));
	outl(PORT_ADDRESS, enable | 8);
	check(inl(PORT_DATA) == bridge, "class again", inl(PORT_DATA));
}

static void check_clock(void)
{
	for (uint8_t index = 0x40; index < 0x60; index++) {
		outb(PORT_INDEX, index);
		outb(PORT_DATUM, index ^ 0xff);
	}
	outw(PORT_INDEX, 0x1240);
	for (uint8_t index = 0x40; index < 0x60; index++) {
		outb(PORT_INDEX, index | 0x80); /* with the NMI masked */
		check(inb(PORT_DATUM) == (index == 0x40 ? 0x12 : index ^ 0xff), "CMOS", index);
	}
}

void guest_main(uint32_t magic, uintptr_t info)
{
	(void)magic;
	(void)info;
	check_address();
	check_clock();
	check_other_processor();
	pass();
}
