/* SPDX-License-Identifier: BSD-3-Clause */
/* The PVH boot protocol of ELF kernels (Xen: docs/misc/pvh.pandoc): 32-bit entry, start info. */

#include "arch/x86_64/boot.h"
#include "arch/x86_64/memory_map.h"
#include "vmm/base/bits.h"

enum {
	START_MAGIC = 0x336ec578,
	START_VERSION = 1, /* the first with a memory map */
	CMDLINE_MAX = 2047,
};

struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t memory_map;
	uint32_t memory_map_count;
	uint32_t reserved;
};

struct start_module {
	uint64_t address;
	uint64_t size;
	uint64_t cmdline;
	uint64_t reserved;
};

struct start_memory {
	uint64_t address;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

_Static_assert(sizeof(struct start_info) == 56, "struct hvm_start_info");

static int pvh_write_memory_map(struct x86_boot *boot, struct start_info *info, struct err *err)
{
	struct start_memory entries[MEMORY_ENTRIES_MAX];
	struct memory_map map;

	memory_map_fill(&map, boot->platform);
	for (size_t i = 0; i < map.count; i++)
		entries[i] = (struct start_memory){map.entries[i].base, map.entries[i].size,
						   map.entries[i].type, 0};
	info->memory_map = BOOT_MEMORY_MAP;
	info->memory_map_count = (uint32_t)map.count;
	return boot_write(boot, BOOT_MEMORY_MAP, entries, map.count * sizeof(entries[0]), err);
}

int boot_pvh(struct x86_boot *boot, const struct elf_image *image, struct err *err)
{
	struct start_info info = {
		.magic = START_MAGIC,
		.version = START_VERSION,
		.cmdline = BOOT_CMDLINE,
		.rsdp = boot->rsdp,
	};
	struct ram_range initrd;
	int rc = elf_entry_address(&boot->source->kernel, image, image->pvh_entry, &boot->entry.rip,
				   err);

	boot->is_linux = image->is_linux;
	if (!rc)
		rc = elf_load(&boot->loader, &boot->source->kernel, image, err);
	if (!rc)
		rc = boot_write_cmdline(boot, "", CMDLINE_MAX, err);
	if (!rc)
		rc = boot_load_initrds(boot, 4 * GIB - 1, false, &initrd, err);
	if (!rc)
		rc = pvh_write_memory_map(boot, &info, err);
	if (!rc && initrd.size > 0) {
		struct start_module module = {.address = initrd.base, .size = initrd.size};

		info.module_count = 1;
		info.modules = BOOT_MODULES;
		rc = boot_write(boot, BOOT_MODULES, &module, sizeof(module), err);
	}
	if (rc)
		return rc;
	boot->entry.long_mode = false;
	boot->entry.rbx = BOOT_INFO;
	return boot_write(boot, BOOT_INFO, &info, sizeof(info), err);
}
