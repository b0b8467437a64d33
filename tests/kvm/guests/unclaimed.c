/* SPDX-License-Identifier: BSD-3-Clause */
/* Where nothing is, reads give all ones and writes vanish. */

#include "guest.h"

void guest_main(uint32_t magic, uintptr_t info)
{
	static const uintptr_t addresses[] = {0xd0000000, 0xfdfffffc, 0xfed00000, 0x08000000};

	(void)magic;
	(void)info;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		uintptr_t address = addresses[i];

		write32(address, 0);
		check(read32(address) == 0xffffffff, "read of 32 bits", address);
		check(*(volatile uint16_t *)address == 0xffff, "read of 16 bits", address);
		check(*(volatile uint8_t *)address == 0xff, "read of 8 bits", address);
	}
	outl(PORT_UNCLAIMED, 0);
	check(inl(PORT_UNCLAIMED) == 0xffffffff, "port of 32 bits", PORT_UNCLAIMED);
	check(inw(PORT_UNCLAIMED) == 0xffff, "port of 16 bits", PORT_UNCLAIMED);
	check(inb(PORT_UNCLAIMED) == 0xff, "port of 8 bits", PORT_UNCLAIMED);
	check(inw(0xffff) == 0xffff, "port at the end", 0xffff);
	pass();
}
