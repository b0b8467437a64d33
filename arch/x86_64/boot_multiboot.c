/* SPDX-License-Identifier: BSD-3-Clause */
/* The Multiboot machine state and information (Multiboot specification 0.6.96, 3.2 and 3.3). */

#include <errno.h>
#include <string.h>

#include "arch/x86_64/boot.h"
#include "arch/x86_64/memory_map.h"
#include "arch/x86_64/platform_x86.h"
#include "vmm/base/bits.h"

enum {
	BOOTLOADER_MAGIC = 0x2badb002,
	INFO_MEMORY = 1 << 0,
	INFO_CMDLINE = 1 << 2,
	INFO_MODULES = 1 << 3,
	INFO_MEMORY_MAP = 1 << 6,
	INFO_LOADER_NAME = 1 << 9,
	MODULE_ALIGNMENT = 4096,
	LOADER_NAME_OFFSET = 0x200, /* in the page of the information */
};

struct info {
	uint32_t flags;
	uint32_t memory_lower; /* KiB */
	uint32_t memory_upper; /* KiB from 1 MiB up to the first hole */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t module_count;
	uint32_t modules;
	uint32_t symbols[4];
	uint32_t memory_map_size;
	uint32_t memory_map;
	uint32_t drives_size;
	uint32_t drives;
	uint32_t config_table;
	uint32_t loader_name;
};

struct info_module {
	uint32_t start;
	uint32_t end;
	uint32_t string;
	uint32_t reserved;
};

struct info_memory {
	uint32_t size; /* of what follows */
	uint64_t base;
	uint64_t length;
	uint32_t type;
} __attribute__((packed));

static int multiboot_write_memory(struct x86_boot *boot, struct info *info, struct err *err)
{
	struct info_memory entries[MEMORY_ENTRIES_MAX];
	struct memory_map map;
	uint64_t end = boot->platform->ram[0].size;

	memory_map_fill(&map, boot->platform);
	for (size_t i = 0; i < map.count; i++)
		entries[i] = (struct info_memory){sizeof(entries[i]) - sizeof(entries[i].size),
						  map.entries[i].base, map.entries[i].size,
						  map.entries[i].type};
	info->flags |= INFO_MEMORY | INFO_MEMORY_MAP;
	info->memory_lower = (uint32_t)(X86_LOW_RAM_END / KIB);
	info->memory_upper = (uint32_t)((end - X86_HIGH_RAM_BASE) / KIB);
	info->memory_map = (uint32_t)BOOT_MEMORY_MAP;
	info->memory_map_size = (uint32_t)(map.count * sizeof(entries[0]));
	return boot_write(boot, BOOT_MEMORY_MAP, entries, info->memory_map_size, err);
}

static int multiboot_load_module(struct x86_boot *boot, const struct boot_file *file,
				 struct info_module *module, struct err *err)
{
	uint64_t base;
	int rc;

	if (file->size == 0)
		return 0;
	rc = loader_find(&boot->loader, file->size, MODULE_ALIGNMENT, 4 * GIB - 1, &base);
	if (rc)
		return err_set(err, rc,
			       "boot: initrd: %s: too large: it needs %llu KiB, the guest has room "
			       "for %llu KiB beside the kernel: give the guest more memory",
			       file->path, (unsigned long long)((file->size + KIB - 1) / KIB),
			       (unsigned long long)(loader_room(&boot->loader, 4 * GIB - 1) / KIB));
	rc = loader_claim(&boot->loader, file, "a module", base, file->size, err);
	if (!rc)
		rc = loader_read(&boot->loader, file, 0, base, file->size, err);
	module->start = (uint32_t)base;
	module->end = (uint32_t)(base + file->size);
	return rc;
}

/* Each module with its path as its string. */
static int multiboot_write_modules(struct x86_boot *boot, struct info *info, struct err *err)
{
	const struct boot_source *source = boot->source;
	struct info_module modules[BOOT_INITRDS_MAX] = {0};
	uint64_t used = 0;

	for (size_t i = 0; i < source->initrd_count; i++) {
		const char *path = source->initrds[i].path;
		size_t size = strlen(path) + 1;
		int rc = multiboot_load_module(boot, &source->initrds[i], &modules[i], err);

		if (!rc && size > BOOT_STRINGS_SIZE - used)
			rc = err_set(err, -E2BIG,
				     "boot: initrd: the modules' paths have more than %llu "
				     "characters together: give shorter ones",
				     (unsigned long long)BOOT_STRINGS_SIZE);
		if (!rc)
			rc = boot_write(boot, BOOT_STRINGS + used, path, size, err);
		if (rc)
			return rc;
		modules[i].string = (uint32_t)(BOOT_STRINGS + used);
		used += size;
	}
	info->flags |= INFO_MODULES;
	info->module_count = (uint32_t)source->initrd_count;
	info->modules = (uint32_t)BOOT_MODULES;
	return boot_write(boot, BOOT_MODULES, modules, sizeof(modules), err);
}

int boot_multiboot(struct x86_boot *boot, const struct multiboot_header *header, struct err *err)
{
	static const char name[] = "ferry";
	struct info info = {
		.flags = INFO_CMDLINE | INFO_LOADER_NAME,
		.cmdline = (uint32_t)BOOT_CMDLINE,
		.loader_name = (uint32_t)BOOT_INFO + LOADER_NAME_OFFSET,
	};
	const struct boot_file *file = &boot->source->kernel;
	int rc = multiboot_load(&boot->loader, file, header, &boot->entry.rip, err);

	if (!rc)
		rc = boot_write_cmdline(boot, file->path, BOOT_CMDLINE_SIZE - 1, err);
	if (!rc)
		rc = multiboot_write_memory(boot, &info, err);
	if (!rc)
		rc = multiboot_write_modules(boot, &info, err);
	if (!rc)
		rc = boot_write(boot, info.loader_name, name, sizeof(name), err);
	if (rc)
		return rc;
	boot->entry.long_mode = false;
	boot->entry.rax = BOOTLOADER_MAGIC;
	boot->entry.rbx = BOOT_INFO;
	return boot_write(boot, BOOT_INFO, &info, sizeof(info), err);
}
