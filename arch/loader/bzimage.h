/* SPDX-License-Identifier: BSD-3-Clause */
/* The header of a Linux bzImage (Documentation/arch/x86/boot.rst). */

#ifndef FERRY_ARCH_LOADER_BZIMAGE_H
#define FERRY_ARCH_LOADER_BZIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "vmm/base/err.h"

enum {
	BZIMAGE_HEADER_START = 0x1f1, /* in the file and in the zero page */
	BZIMAGE_HEADER_END_MAX = 0x290,
	BZIMAGE_ENTRY_64 = 0x200, /* from the start of the loaded kernel */
	BZIMAGE_SNIFF_SIZE = 0x206,
};

struct bzimage {
	uint64_t kernel_offset; /* in the file */
	uint64_t kernel_size;
	uint64_t preferred_address;
	uint64_t memory_size; /* what it needs from its load address on until it runs */
	uint32_t alignment;   /* a power of two */
	bool relocatable;
	bool above_4g;         /* initrd, command line and zero page may be above 4 GiB */
	uint32_t cmdline_size; /* most characters of a command line */
	uint32_t initrd_address_max;
	size_t header_size; /* from BZIMAGE_HEADER_START */
	uint8_t header[BZIMAGE_HEADER_END_MAX - BZIMAGE_HEADER_START];
};

/* Whether @bytes, the file's first, have a bzImage's magic numbers. */
bool bzimage_is_image(const uint8_t *bytes, size_t size);

/* Reads and checks the header; kernels without the 64-bit entry are refused. */
int bzimage_parse(const struct boot_file *file, struct bzimage *image,
		  struct err *err) FERRY_MUST_CHECK;

#endif
