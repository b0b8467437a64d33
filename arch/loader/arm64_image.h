/* SPDX-License-Identifier: BSD-3-Clause */
/* The header of an arm64 Linux Image (Documentation/arch/arm64/booting.rst, 4). */

#ifndef FERRY_ARCH_LOADER_ARM64_IMAGE_H
#define FERRY_ARCH_LOADER_ARM64_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum { ARM64_IMAGE_HEADER_SIZE = 64 };

struct arm64_image {
	uint64_t text_offset; /* of the first byte from a multiple of 2 MiB; less than that */
	uint64_t memory_size; /* what it needs from its first byte on; the file's bytes fit */
	uint64_t stored_size; /* bytes of the file by its EFI header, where that is seen; else 0 */
};

/* Whether @bytes, the file's first, have an Image's magic number. */
bool arm64_image_is_image(const uint8_t *bytes, size_t size);

/*
 * Checks and decodes the header in the file's first @size bytes, of which arm64_image_is_image() is
 * true. @file_size is the size of all of the Image in bytes, 0 when it is not known. A pure
 * function; @path is for messages. -ENOEXEC with @err set.
 */
int arm64_image_parse(const char *path, const uint8_t *bytes, size_t size, uint64_t file_size,
		      struct arm64_image *image, struct err *err) FERRY_MUST_CHECK;

#endif
