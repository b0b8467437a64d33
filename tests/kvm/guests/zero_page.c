/* SPDX-License-Identifier: BSD-3-Clause */
/* The Linux boot protocol's zero page, in long mode: command line, joined initrds, E820. */

#include "guest.h"

enum { E820_COUNT = 0x1e8, E820 = 0x2d0, MEMORY = 16 << 20 };

static uint64_t field(uintptr_t page, unsigned int offset, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t) * (const uint8_t *)(page + offset + i) << 8 * i;
	return value;
}

/* "first" padded to 8, then the other padded to 20. */
static void check_initrd(uintptr_t page)
{
	const char *initrd = (const char *)field(page, 0x218, 4);

	check(field(page, 0x21c, 4) == 28, "initrd size", field(page, 0x21c, 4));
	check(same(initrd, "first\0\0\0the second module\0\0", 28), "initrd contents", 0);
}

static void check_memory(uintptr_t page)
{
	uint64_t ram = 0, end = 0;

	for (unsigned int i = 0; i < field(page, E820_COUNT, 1); i++) {
		unsigned int entry = E820 + 20 * i;

		check(field(page, entry, 8) >= end, "memory map is ascending", i);
		end = field(page, entry, 8) + field(page, entry + 8, 8);
		if (field(page, entry + 16, 4) == 1)
			ram += field(page, entry + 8, 8);
	}
	check(ram == MEMORY - (0x100000 - 0x9fc00), "bytes of RAM", ram);
}

void guest_main(uint32_t magic, uintptr_t page)
{
	const char *cmdline = (const char *)field(page, 0x228, 4);
	const char *rsdp = (const char *)field(page, 0x70, 8);
	uint16_t code, data;

	(void)magic;
	__asm__("mov %%cs, %0" : "=r"(code));
	__asm__("mov %%ds, %0" : "=r"(data));
	check(code == 0x10 && data == 0x18, "segments", code);
	check(field(page, 0x202, 4) == 0x53726448, "header", field(page, 0x202, 4));
	check(field(page, 0x210, 1) == 0xff, "loader's type", field(page, 0x210, 1));
	check(same(cmdline, "one two=3", 10), "command line", 0);
	check(same(rsdp, "RSD PTR ", 8), "RSDP", field(page, 0x70, 8));
	check_initrd(page);
	check_memory(page);
	pass();
}
