/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the header of an EFI zboot image: where the compressed kernel is, and how it was made. */

#include "arch/loader/zboot.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "arch/loader/gzip.h"
#include "arch/loader/zstd.h"
#include "vmm/base/bits.h"

enum {
	MAGIC = 4,
	PAYLOAD_OFFSET = 8,
	PAYLOAD_SIZE = 12,
	COMPRESSION = 24,
	COMPRESSION_SIZE = 32,
	HEADER_SIZE = 64,
};

bool zboot_is_image(const uint8_t *bytes, size_t size)
{
	return size >= HEADER_SIZE && memcmp(bytes, "MZ", 2) == 0 &&
	       memcmp(bytes + MAGIC, "zimg", 4) == 0;
}

/* The kernel's build names the program that compresses, which for zstd has its level with it. */
static const struct unpack_format *zboot_find_format(const char *compression)
{
	if (strcmp(compression, "gzip") == 0)
		return &gzip_format;
	if (strcmp(compression, "zstd") == 0 || strcmp(compression, "zstd22") == 0)
		return &zstd_format;
	return NULL;
}

int zboot_parse(const struct boot_file *file, const uint8_t *bytes, struct unpack_part *part,
		struct err *err)
{
	char compression[COMPRESSION_SIZE + 1] = {0};
	const struct unpack_format *format;

	memcpy(compression, bytes + COMPRESSION, COMPRESSION_SIZE);
	for (char *c = compression; *c != '\0'; c++)
		if (!isgraph((unsigned char)*c))
			*c = '?';
	format = zboot_find_format(compression);
	if (!format)
		return err_set(
			err, -ENOEXEC,
			"boot: %s: the EFI zboot image is compressed with '%s', only gzip and "
			"zstd are understood: give the Image that is in it, or a kernel built with "
			"CONFIG_KERNEL_GZIP or CONFIG_KERNEL_ZSTD",
			file->path, compression);
	*part = (struct unpack_part){file, load_le32(bytes + PAYLOAD_OFFSET),
				     load_le32(bytes + PAYLOAD_SIZE), format};
	if (!range_fits(part->offset, part->size, file->size))
		return err_set(err, -ENODATA,
			       "boot: %s: the file is truncated: it has %llu bytes, %llu are "
			       "needed",
			       file->path, (unsigned long long)file->size,
			       (unsigned long long)(part->offset + part->size));
	return 0;
}
