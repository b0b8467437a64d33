/* SPDX-License-Identifier: BSD-3-Clause */
/* String instructions on ports: every element is one access, in order. */

#include "guest.h"

static void out_bytes(uint16_t port, const void *from, uint32_t count)
{
	__asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(port) : "memory");
}

static void in_bytes(uint16_t port, void *to, uint32_t count)
{
	__asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
}

static void in_words(uint16_t port, void *to, uint32_t count)
{
	__asm__ volatile("rep insl" : "+D"(to), "+c"(count) : "d"(port) : "memory");
}

void guest_main(uint32_t magic, uintptr_t info)
{
	static const char text[] = "a string in one instruction\n";
	static uint8_t bytes[5000];
	static uint32_t words[64];

	(void)magic;
	(void)info;
	out_bytes(PORT_SERIAL, text, sizeof(text) - 1);
	in_bytes(PORT_UNCLAIMED, bytes, sizeof(bytes) - 8);
	for (size_t i = 0; i < sizeof(bytes); i++)
		check(bytes[i] == (i < sizeof(bytes) - 8 ? 0xff : 0), "byte read", i);
	in_words(PORT_PM_TIMER, words, 64);
	for (size_t i = 1; i < 64; i++)
		check(words[i] - words[i - 1] < 0x80000000, "timer goes back", i);
	check(words[63] != words[0], "timer stands still", words[0]);
	pass();
}
