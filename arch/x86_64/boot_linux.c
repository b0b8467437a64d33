/* SPDX-License-Identifier: BSD-3-Clause */
/* The 64-bit Linux boot protocol: the zero page, for a bzImage and for a vmlinux. */

#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>

#include "arch/loader/bzimage.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/memory_map.h"
#include "vmm/base/bits.h"
#include "vmm/base/random.h"

enum {
	LOADER_UNDEFINED = 0xff, /* type_of_loader of one without a number of its own */
	PROTOCOL_VERSION = 0x20f,
	VMLINUX_CMDLINE_MAX = 2047, /* COMMAND_LINE_SIZE of x86, less the zero */
	RNG_SEED_SIZE = 32,
};

_Static_assert(offsetof(struct boot_params, hdr) == BZIMAGE_HEADER_START, "boot_params.hdr");
_Static_assert(MEMORY_ENTRIES_MAX <= E820_MAX_ENTRIES_ZEROPAGE, "E820 fits the zero page");

static void linux_fill_memory_map(struct boot_params *params, const struct platform *platform)
{
	struct memory_map map;

	memory_map_fill(&map, platform);
	for (size_t i = 0; i < map.count; i++)
		params->e820_table[i] =
			(struct boot_e820_entry){map.entries[i].base, map.entries[i].size,
						 map.entries[i].type};
	params->e820_entries = (uint8_t)map.count;
}

/* A seed for the guest's random numbers, new at every boot; kernels before 6.0 pass over it. */
static int linux_write_seed(struct x86_boot *boot, struct boot_params *params, struct err *err)
{
	/* Laid out as struct setup_data. */
	struct {
		uint64_t next;
		uint32_t type;
		uint32_t size;
		uint8_t seed[RNG_SEED_SIZE];
	} data = {.type = SETUP_RNG_SEED, .size = RNG_SEED_SIZE};

	if (!random_fill(data.seed, sizeof(data.seed)))
		return 0;
	params->hdr.setup_data = BOOT_SETUP_DATA;
	return boot_write(boot, BOOT_SETUP_DATA, &data, sizeof(data), err);
}

/* What both kinds of image have in common: everything but the header that bzImage brings along. */
static int linux_finish(struct x86_boot *boot, struct boot_params *params, uint64_t cmdline_max,
			uint64_t initrd_last, bool above_4g, struct err *err)
{
	struct ram_range initrd;
	int rc;

	boot->is_linux = true;
	rc = boot_write_cmdline(boot, "", cmdline_max, err);
	if (rc == 0)
		rc = boot_load_initrds(boot, initrd_last, above_4g, &initrd, err);
	if (rc == 0)
		rc = linux_write_seed(boot, params, err);
	if (rc < 0)
		return rc;
	params->hdr.type_of_loader = LOADER_UNDEFINED;
	params->hdr.cmd_line_ptr = (uint32_t)BOOT_CMDLINE;
	params->hdr.ramdisk_image = (uint32_t)initrd.base;
	params->hdr.ramdisk_size = (uint32_t)initrd.size;
	params->ext_ramdisk_image = (uint32_t)(initrd.base >> 32);
	params->ext_ramdisk_size = (uint32_t)(initrd.size >> 32);
	params->acpi_rsdp_addr = boot->rsdp;
	linux_fill_memory_map(params, boot->platform);

	boot->entry.long_mode = true;
	boot->entry.rsi = BOOT_INFO;
	return boot_write(boot, BOOT_INFO, params, sizeof(*params), err);
}

/*
 * boot.rst, pref_address: a relocatable kernel also takes any other place, but goes up to that one
 * by itself from below.
 */
static int linux_find_place(const struct loader *loader, const struct bzimage *image,
			    uint64_t *base)
{
	*base = image->preferred_address;
	if (!image->relocatable || loader_is_free(loader, *base, image->memory_size))
		return 0;
	if (loader_find(loader, image->memory_size, image->alignment, 4 * GIB - 1, base) < 0 ||
	    *base < image->preferred_address)
		return -ENOSPC;
	return 0;
}

static int linux_place_bzimage(struct x86_boot *boot, const struct bzimage *image, uint64_t *base,
			       struct err *err)
{
	struct loader *loader = &boot->loader;
	const struct boot_file *file = &boot->source->kernel;

	if (linux_find_place(loader, image, base))
		return err_set(
			err, -ENOSPC,
			"boot: %s: the kernel needs %llu MiB to start at %llu MiB, the guest has "
			"%llu MiB of memory: give it more",
			file->path, (unsigned long long)((image->memory_size + MIB - 1) / MIB),
			(unsigned long long)(image->preferred_address / MIB),
			(unsigned long long)(ram_total(loader->ram) / MIB));
	return loader_claim(loader, file, "the kernel", *base, image->memory_size, err);
}

int boot_linux_bzimage(struct x86_boot *boot, struct err *err)
{
	struct boot_params params = {0};
	struct bzimage image;
	uint64_t base;
	int rc = bzimage_parse(&boot->source->kernel, &image, err);

	if (!rc)
		rc = linux_place_bzimage(boot, &image, &base, err);
	if (!rc)
		rc = loader_read(&boot->loader, &boot->source->kernel, image.kernel_offset, base,
				 image.kernel_size, err);
	if (rc)
		return rc;
	memcpy((uint8_t *)&params + BZIMAGE_HEADER_START, image.header, image.header_size);
	params.hdr.code32_start = (uint32_t)base;
	boot->entry.rip = base + BZIMAGE_ENTRY_64;
	return linux_finish(boot, &params, image.cmdline_size, image.initrd_address_max,
			    image.above_4g, err);
}

int boot_linux_elf(struct x86_boot *boot, const struct elf_image *image, struct err *err)
{
	struct boot_params params = {
		.hdr =
			{
				.boot_flag = 0xaa55,
				.header = 0x53726448,
				.version = PROTOCOL_VERSION,
				.loadflags = LOADED_HIGH,
				.kernel_alignment = 0x200000,
				.xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G,
			},
	};
	const struct boot_file *file = &boot->source->kernel;
	int rc = elf_entry_address(file, image, image->entry, &boot->entry.rip, err);

	if (!rc && boot->entry.rip >= 4 * GIB)
		rc = err_set(err, -ENOEXEC,
			     "boot: %s: the kernel's entry, 0x%llx, is not below 4 GiB", file->path,
			     (unsigned long long)boot->entry.rip);
	if (!rc)
		rc = elf_load(&boot->loader, file, image, err);
	if (rc)
		return rc;
	return linux_finish(boot, &params, VMLINUX_CMDLINE_MAX, 4 * GIB - 1, true, err);
}
