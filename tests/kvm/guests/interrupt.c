/* SPDX-License-Identifier: BSD-3-Clause */
/* One interrupt gate, the LAPIC and the IOAPIC of a 32-bit tiny guest. */

#include "interrupt.h"

enum {
	LAPIC = 0xfee00000,
	LAPIC_EOI = 0xb0,
	LAPIC_SPURIOUS = 0xf0,
	LAPIC_ENABLE = 0x100,
	SPURIOUS_VECTOR = 0xff,
	IOAPIC = 0xfec00000,
	IOAPIC_DATA = 0x10,
	IOAPIC_TABLE = 0x10,
	GATE_PRESENT_32 = 0x8e00,
	CODE_SELECTOR = 0x08,
	PATIENCE = 100000000,
};

static uint64_t gates[256];

void interrupt_setup(uint8_t vector)
{
	struct __attribute__((packed)) {
		uint16_t limit;
		uint32_t base;
	} idt = {sizeof(gates) - 1, (uint32_t)(uintptr_t)gates};
	uint32_t entry = (uint32_t)(uintptr_t)interrupt_entry;

	gates[vector] = (uint64_t)((entry & 0xffff0000) | GATE_PRESENT_32) << 32 |
			CODE_SELECTOR << 16 | (entry & 0xffff);
	__asm__ volatile("lidt %0" : : "m"(idt));
	write32(LAPIC + LAPIC_SPURIOUS, LAPIC_ENABLE | SPURIOUS_VECTOR);
	__asm__ volatile("sti");
}

void ioapic_route(unsigned int pin, uint8_t vector)
{
	write32(IOAPIC, IOAPIC_TABLE + 2 * pin + 1);
	write32(IOAPIC + IOAPIC_DATA, 0);
	write32(IOAPIC, IOAPIC_TABLE + 2 * pin);
	write32(IOAPIC + IOAPIC_DATA, vector);
}

void interrupt_end(void)
{
	write32(LAPIC + LAPIC_EOI, 0);
}

void interrupt_wait(volatile unsigned int *count, unsigned int wanted)
{
	for (unsigned int i = 0; i < PATIENCE; i++) {
		if (*count >= wanted)
			return;
		pause();
	}
	fail("interrupts that came", *count);
}
