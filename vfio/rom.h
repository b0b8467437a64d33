/* SPDX-License-Identifier: BSD-3-Clause */
/* A file in the place of a device's expansion ROM. */

#ifndef FERRY_VFIO_ROM_H
#define FERRY_VFIO_ROM_H

#include <stdint.h>

#include "vmm/base/err.h"

/* Host memory that the guest reads directly. */
struct vfio_rom {
	void *host; /* NULL: none */
	uint64_t
		size; /* a power of two, at least a page: what is behind the file's end reads all ones */
};

/* Reads the file at @path, 1 byte to 16 MiB; -errno with @err saying what is wrong with it. */
int vfio_rom_load(const char *path, struct vfio_rom *rom, struct err *err) FERRY_MUST_CHECK;
void vfio_rom_release(struct vfio_rom *rom);

#endif
