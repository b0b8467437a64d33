/* SPDX-License-Identifier: BSD-3-Clause */
/* The serial port, polled: writes a line, then gives back in capitals the line it receives. */

#include "guest.h"

enum { LINE_STATUS = PORT_SERIAL + 5, DATA_READY = 1 };

void guest_main(uint32_t magic, uintptr_t info)
{
	char text[2] = "";

	(void)magic;
	(void)info;
	print("tell me\n");
	do {
		while (!(inb(LINE_STATUS) & DATA_READY))
			pause();
		text[0] = (char)inb(PORT_SERIAL);
		if (text[0] >= 'a' && text[0] <= 'z')
			text[0] = (char)(text[0] - 'a' + 'A');
		print(text);
	} while (text[0] != '\n');
	pass();
}
