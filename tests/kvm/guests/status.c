/* SPDX-License-Identifier: BSD-3-Clause */
/* Ends with a status of its own; narrower writes to the port do nothing. */

#include "guest.h"

void guest_main(uint32_t magic, uintptr_t info)
{
	(void)magic;
	(void)info;
	outb(PORT_DEBUG_EXIT, 1);
	outw(PORT_DEBUG_EXIT, 2);
	outl(PORT_DEBUG_EXIT, 0x2a);
	halt();
}
