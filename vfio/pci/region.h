/* SPDX-License-Identifier: BSD-3-Clause */
/* A region of a VFIO device: what it is, which parts may be mapped, single accesses to it. */

#ifndef FERRY_VFIO_PCI_REGION_H
#define FERRY_VFIO_PCI_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/backend.h"
#include "vmm/base/err.h"

enum { VFIO_AREAS_MAX = 64 };

/* Part of a region, in bytes from its start. */
struct vfio_area {
	uint64_t offset;
	uint64_t size;
};

struct vfio_region {
	bool present; /* false: an index that the device leaves out */
	struct vfio_region_info info;
	/*
	 * Only `areas` may be mapped, else the whole region. That the kernel lets the MSI-X table
	 * be mapped too (VFIO_REGION_INFO_CAP_MSIX_MAPPABLE) changes nothing: its pages are always
	 * the monitor's.
	 */
	bool sparse;
	size_t area_count;
	struct vfio_area areas[VFIO_AREAS_MAX];
};

/*
 * VFIO_DEVICE_GET_REGION_INFO for @index, the whole struct read anew when it has capabilities.
 * A @region with flags, size, offset and capabilities, or -errno with @err set.
 */
int vfio_region_load(struct vfio_backend *backend, uint32_t index, struct vfio_region *region,
		     struct err *err) FERRY_MUST_CHECK;

/*
 * One access of @size 1, 2, 4 or 8 bytes at @offset. -EINVAL for another size or an absent region,
 * -ERANGE past its end, -EACCES when its flags forbid it, or the back end's errno; a read that
 * fails leaves all ones in @value.
 */
int vfio_region_read(struct vfio_backend *backend, const struct vfio_region *region,
		     uint64_t offset, unsigned int size, uint64_t *value);
int vfio_region_write(struct vfio_backend *backend, const struct vfio_region *region,
		      uint64_t offset, unsigned int size, uint64_t value);

#endif
