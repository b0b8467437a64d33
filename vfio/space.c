/* SPDX-License-Identifier: BSD-3-Clause */
/* Mapping host memory into an address space for DMA, and taking exactly that back. */

#include "vfio/space.h"

#include <errno.h>
#include <inttypes.h>

#include "vmm/base/page.h"

int vfio_space_map(struct vfio_space *space, uint64_t iova, uint64_t size, void *host)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)host,
		.iova = iova,
		.size = size,
	};
	int rc = space->ops->map(space, &map);

	return rc < 0 ? rc : 0;
}

uint64_t vfio_space_part(uint64_t iova, uint64_t rest, uint64_t part)
{
	uint64_t size = part - (iova & (part - 1));

	return size < rest ? size : rest;
}

int vfio_space_map_parts(struct vfio_space *space, const struct vfio_extent *extent, uint64_t part,
			 const atomic_bool *stop, uint64_t *mapped)
{
	int rc = 0;

	while (!rc && *mapped < extent->size && !(stop && atomic_load(stop))) {
		uint64_t iova = extent->iova + *mapped;
		uint64_t size = vfio_space_part(iova, extent->size - *mapped, part);

		rc = vfio_space_map(space, iova, size, (char *)extent->host + *mapped);
		if (!rc)
			*mapped += size;
	}
	return rc;
}

int vfio_space_unmap(struct vfio_space *space, const char *what, uint64_t iova, uint64_t size,
		     struct err *err)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};
	int rc = space->ops->unmap(space, &unmap);

	if (rc < 0)
		return err_set(err, rc,
			       "%s 0x%" PRIx64 "-0x%" PRIx64 ": it cannot be unmapped from DMA: %s",
			       what, iova, iova + (size - 1), err_text(rc));
	if (unmap.size != size)
		return err_set(err, -EIO,
			       "%s 0x%" PRIx64 "-0x%" PRIx64 ": only 0x%llx of 0x%" PRIx64
			       " bytes were unmapped from DMA",
			       what, iova, iova + (size - 1), unmap.size, size);
	return 0;
}

uint64_t vfio_space_page(const struct vfio_space *space)
{
	uint64_t sizes = space->ops->page_sizes(space);

	return sizes ? sizes & -sizes : host_page_size();
}
