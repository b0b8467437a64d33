/* SPDX-License-Identifier: BSD-3-Clause */
/* Ends the run in the way that the command line's last word names. */

#include "guest.h"

struct information {
	uint32_t flags, lower, upper, boot_device, cmdline;
};

static void triple_fault(void)
{
	struct __attribute__((packed)) {
		uint16_t limit;
		uint32_t base;
	} idt = {0, 0};

	__asm__ volatile("lidt %0; ud2" : : "m"(idt));
}

/* Code where there is no memory to fetch it from. */
static void not_emulated(void)
{
	__asm__ volatile("jmp *%0" : : "r"(0xd0000000));
}

void guest_main(uint32_t magic, uintptr_t information)
{
	const struct information *info = (const struct information *)information;
	const char *word = (const char *)info->cmdline;

	(void)magic;
	for (const char *next = word; *next != '\0'; next++)
		if (*next == ' ')
			word = next + 1;
	if (same(word, "power-off", 10))
		outb(0x600, 5 << 2 | 0x20);
	else if (same(word, "cf9", 4))
		outb(0xcf9, 0x06);
	else if (same(word, "i8042", 6))
		outb(0x64, 0xfe);
	else if (same(word, "acpi", 5))
		outb(0x602, 1);
	else if (same(word, "panic", 6))
		outb(0x505, 1);
	else if (same(word, "triple-fault", 13))
		triple_fault();
	else if (same(word, "not-emulated", 13))
		not_emulated();
	else
		fail("unknown end", 0);
	for (;;)
		pause();
}
