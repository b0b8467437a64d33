/* SPDX-License-Identifier: BSD-3-Clause */
/* Waits for the power button, and powers off when the command line's last word is "obeys". */

#include "guest.h"

enum { PORT_EVENTS = 0x604, EVENT_BUTTON = 1 };

struct information {
	uint32_t flags, lower, upper, boot_device, cmdline;
};

static bool obeys(const char *cmdline)
{
	size_t size = length(cmdline);

	return size >= 5 && same(cmdline + size - 5, "obeys", 5);
}

void guest_main(uint32_t magic, uintptr_t information)
{
	const struct information *info = (const struct information *)information;

	(void)magic;
	print("ready\n");
	for (;;) {
		while (!(inl(PORT_EVENTS) & EVENT_BUTTON))
			pause();
		print("pressed\n");
		if (obeys((const char *)(uintptr_t)info->cmdline))
			outb(0x600, 5 << 2 | 0x20);
	}
}
