/* SPDX-License-Identifier: BSD-3-Clause */
/* The PVH start information: command line, one module, RSDP, memory map. */

#include "guest.h"

enum { MEMORY = 16 << 20 };

struct information {
	uint32_t magic, version, flags, module_count;
	uint64_t modules, cmdline, rsdp, map;
	uint32_t map_count;
};

struct module {
	uint64_t address, size;
};

struct memory {
	uint64_t base, length;
	uint32_t type, reserved;
};

void guest_main(uint32_t magic, uintptr_t information)
{
	const struct information *info = (const struct information *)information;
	const struct module *module = (const struct module *)(uintptr_t)info->modules;
	const struct memory *map = (const struct memory *)(uintptr_t)info->map;
	uint64_t ram = 0;

	(void)magic;
	check(info->magic == 0x336ec578, "magic", info->magic);
	check(info->version == 1, "version", info->version);
	check(same((const char *)(uintptr_t)info->cmdline, "one two=3", 10), "command line", 0);
	check(same((const char *)(uintptr_t)info->rsdp, "RSD PTR ", 8), "RSDP", info->rsdp);
	check(info->module_count == 1 && module->size == 28, "module", module->size);
	check(same((const char *)(uintptr_t)module->address, "first\0\0\0the second", 18),
	      "module's contents", 0);
	for (uint32_t i = 0; i < info->map_count; i++)
		if (map[i].type == 1)
			ram += map[i].length;
	check(ram == MEMORY - (0x100000 - 0x9fc00), "bytes of RAM", ram);
	pass();
}
