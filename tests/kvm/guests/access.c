/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads as often as its command line's last word says: a port (p1000) or memory (m1000) of
 * nobody's.
 */

#include "guest.h"

enum { INFO_CMDLINE = 16, MEMORY_UNCLAIMED = 0xd0000000 };

void guest_main(uint32_t magic, uintptr_t info)
{
	const char *text = (const char *)(uintptr_t)read32(info + INFO_CMDLINE);
	const char *word = text;
	uint32_t count = 0;

	(void)magic;
	for (; *text; text++) {
		if (text[0] == ' ')
			word = text + 1;
	}
	for (const char *digit = word + 1; *digit; digit++)
		count = count * 10 + (uint32_t)(*digit - '0');
	for (uint32_t i = 0; i < count; i++) {
		if (*word == 'p')
			inl(PORT_UNCLAIMED);
		else
			read32(MEMORY_UNCLAIMED);
	}
	pass();
}
