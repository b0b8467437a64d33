/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the setup header of a bzImage and says what the kernel in it needs. */

#include "arch/loader/bzimage.h"

#include <errno.h>
#include <string.h>

#include "arch/loader/load.h"
#include "vmm/base/bits.h"

/* Offsets in the file, and what is found there. */
enum {
	SETUP_SECTS = 0x1f1,
	SYSSIZE = 0x1f4,
	BOOT_FLAG = 0x1fe,
	JUMP_DISTANCE = 0x201,
	JUMP_END = 0x202,
	HEADER_MAGIC = 0x202,
	VERSION = 0x206,
	LOADFLAGS = 0x211,
	INITRD_ADDR_MAX = 0x22c,
	KERNEL_ALIGNMENT = 0x230,
	RELOCATABLE_KERNEL = 0x234,
	XLOADFLAGS = 0x236,
	CMDLINE_SIZE = 0x238,
	PREF_ADDRESS = 0x258,
	INIT_SIZE = 0x260,
	HEADER_NEEDED_END = 0x264,

	BOOT_FLAG_VALUE = 0xaa55,
	HEADER_MAGIC_VALUE = 0x53726448, /* "HdrS" */
	LOADED_HIGH = 1 << 0,
	XLF_KERNEL_64 = 1 << 0,
	XLF_CAN_BE_LOADED_ABOVE_4G = 1 << 1,
	SETUP_SECTS_OF_0 = 4,
	SECTOR = 512,
	PARAGRAPH = 16,
};

bool bzimage_is_image(const uint8_t *bytes, size_t size)
{
	return size >= BZIMAGE_SNIFF_SIZE && load_le16(bytes + BOOT_FLAG) == BOOT_FLAG_VALUE &&
	       load_le32(bytes + HEADER_MAGIC) == HEADER_MAGIC_VALUE;
}

/* xloadflags came with version 2.12 of the protocol, init_size and pref_address with 2.10. */
static int bzimage_check_protocol(const struct boot_file *file, const uint8_t *bytes,
				  struct err *err)
{
	unsigned int version = load_le16(bytes + VERSION);

	if (version < 0x20c)
		return err_set(err, -ENOEXEC,
			       "boot: %s: the kernel speaks version %u.%02u of the boot protocol: "
			       "it has no 64-bit entry: give Linux 3.8 or later",
			       file->path, version >> 8, version & 0xff);
	if (!(load_le16(bytes + XLOADFLAGS) & XLF_KERNEL_64))
		return err_set(
			err, -ENOEXEC,
			"boot: %s: the kernel has no 64-bit entry: give one built for x86_64",
			file->path);
	if (!(bytes[LOADFLAGS] & LOADED_HIGH))
		return err_set(
			err, -ENOEXEC,
			"boot: %s: the kernel is a zImage, loaded below 1 MiB: give a bzImage",
			file->path);
	if (!is_power_of_2(load_le32(bytes + KERNEL_ALIGNMENT)))
		return err_set(err, -ENOEXEC,
			       "boot: %s: not a kernel that can be loaded: its alignment, 0x%x, is "
			       "no power of two",
			       file->path, load_le32(bytes + KERNEL_ALIGNMENT));
	return 0;
}

/* The kernel proper follows the setup sectors; a signature may follow it. */
static int bzimage_find_kernel(const struct boot_file *file, const uint8_t *bytes,
			       struct bzimage *image, struct err *err)
{
	uint64_t sectors = bytes[SETUP_SECTS] == 0 ? SETUP_SECTS_OF_0 : bytes[SETUP_SECTS];
	uint64_t rest;

	image->kernel_offset = (sectors + 1) * SECTOR;
	image->kernel_size = (uint64_t)load_le32(bytes + SYSSIZE) * PARAGRAPH;
	rest = file->size > image->kernel_offset ? file->size - image->kernel_offset : 0;
	if (image->kernel_size == 0 || rest + (PARAGRAPH - 1) < image->kernel_size)
		return err_set(
			err, -ENODATA,
			"boot: %s: the file is truncated: it has %llu bytes, %llu are needed",
			file->path, (unsigned long long)file->size,
			(unsigned long long)(image->kernel_offset + image->kernel_size));
	if (image->kernel_size > rest)
		image->kernel_size = rest;
	if (image->kernel_size <= BZIMAGE_ENTRY_64)
		return err_set(
			err, -ENOEXEC,
			"boot: %s: the kernel's header is damaged: by it the kernel has %llu "
			"bytes and ends before its 64-bit entry: give an intact bzImage",
			file->path, (unsigned long long)image->kernel_size);
	return 0;
}

int bzimage_parse(const struct boot_file *file, struct bzimage *image, struct err *err)
{
	uint8_t bytes[BZIMAGE_HEADER_END_MAX];
	size_t end;
	int rc;

	memset(image, 0, sizeof(*image));
	rc = loader_read_header(file, 0, bytes, sizeof(bytes), err);
	if (!rc)
		rc = bzimage_check_protocol(file, bytes, err);
	if (!rc)
		rc = bzimage_find_kernel(file, bytes, image, err);
	if (rc)
		return rc;

	image->preferred_address = load_le64(bytes + PREF_ADDRESS);
	image->memory_size = load_le32(bytes + INIT_SIZE);
	if (image->memory_size < image->kernel_size)
		image->memory_size = image->kernel_size;
	image->alignment = load_le32(bytes + KERNEL_ALIGNMENT);
	image->relocatable = bytes[RELOCATABLE_KERNEL] != 0;
	image->above_4g = load_le16(bytes + XLOADFLAGS) & XLF_CAN_BE_LOADED_ABOVE_4G;
	image->cmdline_size = load_le32(bytes + CMDLINE_SIZE);
	image->initrd_address_max = load_le32(bytes + INITRD_ADDR_MAX);

	end = JUMP_END + (size_t)bytes[JUMP_DISTANCE];
	if (end < HEADER_NEEDED_END)
		end = HEADER_NEEDED_END;
	if (end > BZIMAGE_HEADER_END_MAX)
		end = BZIMAGE_HEADER_END_MAX;
	image->header_size = end - BZIMAGE_HEADER_START;
	memcpy(image->header, bytes + BZIMAGE_HEADER_START, image->header_size);
	return 0;
}
