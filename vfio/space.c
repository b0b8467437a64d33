/* SPDX-License-Identifier: BSD-3-Clause */
/* Mapping host memory into an address space for DMA, and taking exactly that back. */

#include "vfio/space.h"

#include <errno.h>
#include <inttypes.h>

#include "vmm/base/page.h"

uint64_t vfio_space_part(uint64_t iova, uint64_t rest, uint64_t part)
{
	uint64_t size = part - (iova & (part - 1));

	return size < rest ? size : rest;
}

int vfio_space_map(struct vfio_space *space, const struct vfio_mapping *mapping, uint64_t part,
		   const atomic_bool *stop, uint64_t *mapped)
{
	int rc = 0;

	while (!rc && *mapped < mapping->size && !(stop && atomic_load(stop))) {
		struct vfio_mapping next = *mapping;

		next.iova += *mapped;
		next.size = vfio_space_part(next.iova, mapping->size - *mapped, part);
		next.host = (char *)mapping->host + *mapped;
		next.fd_offset += *mapped;
		rc = space->ops->map(space, &next);
		if (!rc)
			*mapped += next.size;
	}
	return rc;
}

int vfio_space_unmap(struct vfio_space *space, const char *what, uint64_t iova, uint64_t size,
		     uint64_t mapped, struct err *err)
{
	uint64_t unmapped;
	int rc = space->ops->unmap(space, iova, size, &unmapped);

	if (rc)
		return err_set(err, rc,
			       "%s 0x%" PRIx64 "-0x%" PRIx64 ": it cannot be unmapped from DMA: %s",
			       what, iova, iova + (size - 1), err_text(rc));
	if (unmapped != mapped)
		return err_set(err, -EIO,
			       "%s 0x%" PRIx64 "-0x%" PRIx64 ": only 0x%" PRIx64 " of 0x%" PRIx64
			       " bytes were unmapped from DMA",
			       what, iova, iova + (size - 1), unmapped, mapped);
	return 0;
}

void vfio_space_add_range(struct vfio_space *space, uint64_t first, uint64_t last)
{
	struct ram_range *range = &space->ranges[space->range_count];

	if (last < first || space->range_count == VFIO_IOVA_RANGES_MAX)
		return;
	*range = (struct ram_range){.base = first, .size = last - first};
	if (range->size != UINT64_MAX)
		range->size++;
	space->range_count++;
}

uint64_t vfio_space_page(const struct vfio_space *space)
{
	return space->page_sizes ? space->page_sizes & -space->page_sizes : host_page_size();
}
