/* SPDX-License-Identifier: BSD-3-Clause */
/* Console and ends of a tiny guest. */

#include "guest.h"

enum { LINE_STATUS = PORT_SERIAL + 5, TRANSMITTER_EMPTY = 0x20 };

static void print_character(char character)
{
	while (!(inb(LINE_STATUS) & TRANSMITTER_EMPTY))
		pause();
	outb(PORT_SERIAL, (uint8_t)character);
}

void print(const char *text)
{
	for (; *text != '\0'; text++)
		print_character(*text);
}

void print_number(uint64_t value)
{
	bool started = false;

	print("0x");
	for (int shift = 60; shift >= 0; shift -= 4) {
		unsigned int digit = (unsigned int)(value >> shift) & 0xf;

		if (digit == 0 && !started && shift > 0)
			continue;
		started = true;
		print_character("0123456789abcdef"[digit]);
	}
}

bool same(const void *a, const void *b, size_t size)
{
	const uint8_t *left = a, *right = b;

	for (size_t i = 0; i < size; i++)
		if (left[i] != right[i])
			return false;
	return true;
}

size_t length(const char *text)
{
	size_t size = 0;

	while (text[size] != '\0')
		size++;
	return size;
}

void halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

void pass(void)
{
	outl(PORT_DEBUG_EXIT, EXIT_PASSED);
	halt();
}

void fail(const char *what, uint64_t value)
{
	print("guest: ");
	print(what);
	print(": ");
	print_number(value);
	print("\n");
	outl(PORT_DEBUG_EXIT, EXIT_FAILED);
	halt();
}

/* The compiler calls these on its own. */
void *memset(void *to, int value, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);

void *memset(void *to, int value, size_t size)
{
	for (volatile uint8_t *byte = to; size > 0; size--)
		*byte++ = (uint8_t)value;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	volatile uint8_t *out = to;
	const uint8_t *in = from;

	while (size-- > 0)
		*out++ = *in++;
	return to;
}
