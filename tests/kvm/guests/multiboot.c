/* SPDX-License-Identifier: BSD-3-Clause */
/* The Multiboot information: command line, two modules, memory map of a 16 MiB machine. */

#include "guest.h"

enum { MAGIC = 0x2badb002, FLAGS = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6, MEMORY = 16 << 20 };

struct information {
	uint32_t flags, lower, upper, boot_device, cmdline, module_count, modules, symbols[4];
	uint32_t map_size, map;
};

struct module {
	uint32_t start, end, string, reserved;
};

struct memory {
	uint32_t size;
	uint64_t base, length;
	uint32_t type;
} __attribute__((packed));

static bool ends_with(const char *text, const char *end)
{
	return length(text) >= length(end) &&
	       same(text + length(text) - length(end), end, length(end) + 1);
}

static void check_modules(const struct information *info)
{
	static const char *const contents[] = {"first", "the second module"};
	static const char *const names[] = {"/module1", "/module2"};
	const struct module *modules = (const struct module *)info->modules;

	check(info->module_count == 2, "modules", info->module_count);
	for (unsigned int i = 0; i < 2; i++) {
		const struct module *module = &modules[i];

		check(module->end - module->start == length(contents[i]), "module size",
		      module->end - module->start);
		check(same((const void *)module->start, contents[i], length(contents[i])),
		      "module contents", i);
		check((module->start & 0xfff) == 0, "module alignment", module->start);
		check(ends_with((const char *)module->string, names[i]), "module string", i);
	}
}

static void check_memory(const struct information *info)
{
	uint32_t at = info->map;
	uint64_t ram = 0, end = 0;

	while (at < info->map + info->map_size) {
		const struct memory *entry = (const struct memory *)at;

		check(entry->base >= end, "memory map is ascending", entry->base);
		end = entry->base + entry->length;
		if (entry->type == 1)
			ram += entry->length;
		at += entry->size + 4;
	}
	check(ram == MEMORY - (0x100000 - 0x9fc00), "bytes of RAM", ram);
	check(info->upper == (MEMORY >> 10) - 1024, "upper memory", info->upper);
}

void guest_main(uint32_t magic, uintptr_t information)
{
	const struct information *info = (const struct information *)information;

	check(magic == MAGIC, "magic", magic);
	check((info->flags & FLAGS) == FLAGS, "flags", info->flags);
	check(ends_with((const char *)info->cmdline, " one two=3"), "command line", 0);
	check_modules(info);
	check_memory(info);
	pass();
}
