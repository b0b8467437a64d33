/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's expansion ROM as memory: a copy of its own, or a file in its place. */

#ifndef FERRY_VFIO_PCI_ROM_H
#define FERRY_VFIO_PCI_ROM_H

#include <stdint.h>

#include "vfio/pci/region.h"
#include "vmm/base/err.h"

/* Host memory that the guest reads directly. */
struct vfio_rom {
	void *host;    /* NULL: none */
	uint64_t size; /* a power of two, at least a page; behind the file's end all ones */
};

/*
 * Reads the file at @path, or with @given what is open as that, 1 byte to 16 MiB; -errno with @err
 * saying what is wrong with it.
 */
int vfio_rom_load(const char *path, int given, struct vfio_rom *rom,
		  struct err *err) FERRY_MUST_CHECK;
void vfio_rom_release(struct vfio_rom *rom);

/* Room for the device's own ROM of @size bytes, all ones until vfio_rom_copy(). -errno. */
int vfio_rom_reserve(struct vfio_rom *rom, uint64_t size) FERRY_MUST_CHECK;

/*
 * Copies the ROM of @region, which answers only while COMMAND's memory bit is on. In large pieces:
 * the kernel turns the ROM's decoder on and off for each. The first that fails ends it, and the
 * rest is all ones, as is that of one which takes half a minute. 0; a negative errno, or -ENODATA
 * when not even a header answers: the copy is worth another try then.
 */
int vfio_rom_copy(struct vfio_rom *rom, struct vfio_backend *backend,
		  const struct vfio_region *region) FERRY_MUST_CHECK;

#endif
