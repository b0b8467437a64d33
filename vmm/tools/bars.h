/* SPDX-License-Identifier: BSD-3-Clause */
/* How the BARs of a device are told: in words and as JSON. */

#ifndef FERRY_VMM_TOOLS_BARS_H
#define FERRY_VMM_TOOLS_BARS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "vfio/host/sysfs.h"
#include "vmm/base/text.h"

enum { BARS_SIZE_ROOM = 32 };

/* @size in the largest unit that divides it, as "64K", into @text, which is returned. */
const char *bars_size(uint64_t size, char text[BARS_SIZE_ROOM]);

/*
 * A line for each BAR that there is, and for the ROM, with how many bytes of each are @mapped of a
 * server's; NULL: it is hardware.
 */
void bars_print(const struct vfio_resource bars[PCI_BAR_COUNT], const uint64_t *mapped, FILE *out);

/* Likewise behind each other. */
void bars_append(const struct vfio_resource bars[PCI_BAR_COUNT], const uint64_t *mapped,
		 struct text *text);

/* Likewise as an array. */
json_t *bars_json(const struct vfio_resource bars[PCI_BAR_COUNT], const uint64_t *mapped);

#endif
