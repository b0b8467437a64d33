/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the header of an arm64 Image and says what the kernel in it needs. */

#include "arch/loader/arm64_image.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/bits.h"

/* Offsets in the file, and what is found there. */
enum {
	TEXT_OFFSET = 8,
	IMAGE_SIZE = 16,
	FLAGS = 24,
	MAGIC = 56,
	EFI_HEADER_OFFSET = 60,

	FLAG_BIG_ENDIAN = 1 << 0,

	TEXT_OFFSET_ALIGNMENT = 4096,
	TEXT_OFFSET_OF_0 = 0x80000, /* when image_size is 0: before Linux 3.17 */
};

/* The Portable Executable header that EFI reads, and one section's (Microsoft's PE Format). */
enum {
	EFI_SECTION_COUNT = 6,
	EFI_OPTIONAL_SIZE = 20,
	EFI_HEADER_SIZE = 24,
	SECTION_SIZE = 16,
	SECTION_OFFSET = 20,
	SECTION_HEADER_SIZE = 40,
};

#define TEXT_OFFSET_MAX (2 * MIB)
#define SIZE_MAX_SANE   GIB

/* Kernels that do not tell their size need some for what is not in the file. */
#define SIZE_OF_0     (32 * MIB)
#define SIZE_OF_0_BSS (8 * MIB)

bool arm64_image_is_image(const uint8_t *bytes, size_t size)
{
	return size >= ARM64_IMAGE_HEADER_SIZE && memcmp(bytes + MAGIC, "ARM\x64", 4) == 0;
}

/* Where the last section of the file ends: the other size in an Image tells of memory. */
static uint64_t image_stored_size(const uint8_t *bytes, size_t size)
{
	uint64_t header = load_le32(bytes + EFI_HEADER_OFFSET), section, end = 0;

	if (!range_fits(header, EFI_HEADER_SIZE, size) || memcmp(bytes + header, "PE\0", 4) != 0)
		return 0;
	section = header + EFI_HEADER_SIZE + load_le16(bytes + header + EFI_OPTIONAL_SIZE);
	for (unsigned int left = load_le16(bytes + header + EFI_SECTION_COUNT);
	     left > 0 && range_fits(section, SECTION_HEADER_SIZE, size); left--) {
		uint64_t last = (uint64_t)load_le32(bytes + section + SECTION_OFFSET) +
				load_le32(bytes + section + SECTION_SIZE);

		if (last > end)
			end = last;
		section += SECTION_HEADER_SIZE;
	}
	return end;
}

static int image_check_sizes(const char *path, uint64_t file_size, const struct arm64_image *image,
			     struct err *err)
{
	if (image->text_offset >= TEXT_OFFSET_MAX ||
	    !is_aligned(image->text_offset, TEXT_OFFSET_ALIGNMENT))
		return err_set(err, -ENOEXEC,
			       "boot: %s: the arm64 Image's header is damaged: its text_offset is "
			       "0x%llx: give an intact Image",
			       path, (unsigned long long)image->text_offset);
	if (image->memory_size < file_size || image->memory_size < ARM64_IMAGE_HEADER_SIZE)
		return err_set(err, -ENOEXEC,
			       "boot: %s: the arm64 Image's header is damaged: its image_size is "
			       "%llu bytes, the file alone has %llu: give an intact Image",
			       path, (unsigned long long)image->memory_size,
			       (unsigned long long)file_size);
	if (file_size != 0 && image->stored_size > file_size)
		return err_set(
			err, -ENODATA,
			"boot: %s: the file is truncated: it has %llu bytes, %llu are needed", path,
			(unsigned long long)file_size, (unsigned long long)image->stored_size);
	if (image->memory_size > SIZE_MAX_SANE)
		return err_set(err, -ENOEXEC,
			       "boot: %s: the arm64 Image's header is damaged: its image_size is "
			       "%llu bytes, a kernel has at most %llu: give an intact Image",
			       path, (unsigned long long)image->memory_size,
			       (unsigned long long)SIZE_MAX_SANE);
	return 0;
}

int arm64_image_parse(const char *path, const uint8_t *bytes, size_t size, uint64_t file_size,
		      struct arm64_image *image, struct err *err)
{
	uint64_t flags;

	if (!arm64_image_is_image(bytes, size))
		return err_set(err, -ENOEXEC, "boot: %s: not an arm64 Image", path);
	flags = load_le64(bytes + FLAGS);
	*image = (struct arm64_image){
		.text_offset = load_le64(bytes + TEXT_OFFSET),
		.memory_size = load_le64(bytes + IMAGE_SIZE),
		.stored_size = image_stored_size(bytes, size),
	};
	if (flags & FLAG_BIG_ENDIAN)
		return err_set(err, -ENOEXEC,
			       "boot: %s: the kernel is big-endian: give one built without "
			       "CONFIG_CPU_BIG_ENDIAN",
			       path);
	if (image->memory_size == 0) {
		/*
		 * The field did not exist, nor did flags; text_offset's byte order was not fixed.
		 */
		image->text_offset = TEXT_OFFSET_OF_0;
		image->memory_size = SIZE_OF_0;
		if (file_size > SIZE_OF_0 - SIZE_OF_0_BSS && file_size <= SIZE_MAX_SANE)
			image->memory_size = file_size + SIZE_OF_0_BSS;
	}
	return image_check_sizes(path, file_size, image, err);
}
