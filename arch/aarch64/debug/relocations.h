/* SPDX-License-Identifier: BSD-3-Clause */
/* Where an arm64 Linux kernel was linked to be, from the relocations that its Image carries. */

#ifndef FERRY_ARCH_AARCH64_DEBUG_RELOCATIONS_H
#define FERRY_ARCH_AARCH64_DEBUG_RELOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

struct relocated_image {
	const uint8_t *bytes; /* the Image as it was before it ran */
	uint64_t size;
	uint64_t memory_size; /* bytes it takes when it runs, no fewer than @size */
	uint64_t runtime;     /* virtual address of its first byte */

	/*
	 * Eight bytes of what runs, in little-endian order, @offset from its first; false: none
	 * there.
	 */
	bool (*read)(void *memory, uint64_t offset, uint64_t *value);
	void *memory;
};

/*
 * The address that the first byte has in vmlinux. 0 when it cannot be told: the kernel cannot be
 * relocated, or has its relocations packed (RELR). A pure function.
 */
uint64_t relocations_find_linked(const struct relocated_image *image);

#endif
