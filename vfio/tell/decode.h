/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers in words: config space, MSI-X tables, NVMe controllers, what a table of names tells. */

#ifndef FERRY_VFIO_TELL_DECODE_H
#define FERRY_VFIO_TELL_DECODE_H

#include <stdint.h>

#include "vmm/base/err.h"

struct vfio_pci;

enum { DECODE_SIZE = 160 };

/* Appends to @text of DECODE_SIZE bytes, as far as there is room. */
void vfio_decode_append(char *text, const char *format, ...) FERRY_PRINTF(2, 3);

/*
 * What @value means in the registers at [@offset, @offset + @size), into @text of DECODE_SIZE
 * bytes; empty for what is neither standard nor in the user's table. Device lock held.
 */
void vfio_decode_config(const struct vfio_pci *pci, unsigned int offset, unsigned int size,
			uint32_t value, char *text);
/*
 * The name of the capability at @at of the chains in @config, extended ones from 0x100; NULL: none.
 */
const char *vfio_decode_capability(const uint8_t *config, unsigned int at);

void vfio_decode_bar(const struct vfio_pci *pci, unsigned int bar, uint64_t offset,
		     unsigned int size, uint64_t value, char *text);

#endif
