/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration space by ports and by ECAM is the same; absent functions read all ones. */

#include "guest.h"

enum { PORT_ADDRESS = 0xcf8, PORT_DATA = 0xcfc, ECAM = 0xc0000000 };

static uint32_t port_address(unsigned int bus, unsigned int device, unsigned int offset)
{
	return UINT32_C(1) << 31 | bus << 16 | device << 11 | (offset & 0xfc);
}

void guest_main(uint32_t magic, uintptr_t info)
{
	(void)magic;
	(void)info;
	for (unsigned int offset = 0; offset < 256; offset += 4) {
		uint32_t value;

		outl(PORT_ADDRESS, port_address(0, 0, offset));
		check(inl(PORT_ADDRESS) == port_address(0, 0, offset), "address", offset);
		value = inl(PORT_DATA);
		check(value == read32(ECAM + offset), "ports and ECAM", offset);
		check(inb(PORT_DATA + 3) == value >> 24, "high byte", offset);
		check(inw(PORT_DATA + 2) == value >> 16, "high word", offset);
	}
	check(read32(ECAM) != 0xffffffff, "host bridge", read32(ECAM));
	check((read32(ECAM + 8) >> 16) == 0x0600, "host bridge's class", read32(ECAM + 8));
	for (unsigned int device = 1; device < 32; device++) {
		outl(PORT_ADDRESS, port_address(0, device, 0));
		check(inl(PORT_DATA) == 0xffffffff, "absent by ports", device);
		check(read32(ECAM + (device << 15)) == 0xffffffff, "absent by ECAM", device);
	}
	check(read32(ECAM + (255 << 20)) == 0xffffffff, "the last bus", 255);
	outl(PORT_ADDRESS, 0);
	check(inl(PORT_DATA) == 0xffffffff, "disabled", inl(PORT_DATA));
	pass();
}
