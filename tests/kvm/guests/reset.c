/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets the machine three times, by another way each time, then checks that everything but the
 * memory that it was not loaded to is as at power-on.
 */

#include "guest.h"

enum { BOOTS = 0x600000, BOOT_COUNT = 4 };

static uint32_t zeroed;
static uint32_t initialised = 1234;

/* These stay dirty unless the reset cleans them. */
static void make_a_mess(void)
{
	zeroed = 0xdead;
	initialised = 0xbeef;
	outl(0xcf8, 0x80001234);
	write32(0xfec00000, 0x10 + 2 * 5);
	write32(0xfec00010, 0x55);
	write32(0xfee000f0, 0x1ff);
	outb(PORT_SERIAL + 7, 0x5a);
	__asm__ volatile("mov %0, %%dr0" : : "r"((uintptr_t)0x1000));
	__asm__ volatile("wrmsr" : : "c"(0x174), "a"(0x77), "d"(0));
}

static void check_power_on(void)
{
	uintptr_t debug;
	uint32_t low, high;

	check(zeroed == 0, "bss", zeroed);
	check(initialised == 1234, "data", initialised);
	write32(0xfec00000, 0x10 + 2 * 5);
	check((read32(0xfec00010) & 0x100ff) == 0x10000, "IOAPIC", read32(0xfec00010));
	check(!(read32(0xfee000f0) & 0x100), "LAPIC", read32(0xfee000f0));
	check(inb(PORT_SERIAL + 7) == 0, "serial scratch register", inb(PORT_SERIAL + 7));
	__asm__ volatile("mov %%dr0, %0" : "=r"(debug));
	check(debug == 0, "debug register", debug);
	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0x174));
	check(low == 0, "MSR", low);
}

static void reset(uint32_t way)
{
	switch (way) {
	case 1:
		outb(0xcf9, 0x02);
		outb(0xcf9, 0x06);
		break;
	case 2:
		outb(0x64, 0xfe);
		break;
	default:
		outb(0x602, 1);
		break;
	}
	for (;;)
		pause();
}

void guest_main(uint32_t magic, uintptr_t info)
{
	uint32_t boots = read32(BOOTS) + 1;

	(void)magic;
	(void)info;
	check_power_on();
	print("boot ");
	print_number(boots);
	print("\n");
	if (boots == BOOT_COUNT)
		pass();
	make_a_mess();
	write32(BOOTS, boots);
	reset(boots);
}
