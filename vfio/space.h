/* SPDX-License-Identifier: BSD-3-Clause */
/* Mapping host memory into an address space for DMA, and taking exactly that back. */

#ifndef FERRY_VFIO_SPACE_H
#define FERRY_VFIO_SPACE_H

#include <stdatomic.h>
#include <stdint.h>

#include "vfio/backend.h"
#include "vmm/base/bits.h"

/* What is to be mapped where. */
struct vfio_extent {
	uint64_t iova, size;
	void *host;
};

/* VFIO_IOMMU_MAP_DMA, read and write; 0 or the back end's errno. */
int vfio_space_map(struct vfio_space *space, uint64_t iova, uint64_t size,
		   void *host) FERRY_MUST_CHECK;

/*
 * What is mapped at once: nothing interrupts a map, so it takes well below a second to pin at a GiB
 * a second, which is slow.
 */
#define VFIO_SPACE_PART (256 * MIB)

/*
 * The same in parts that end where multiples of @part, a power of two, do: the IOMMU's large pages
 * lie within one. From *@mapped, bytes from the start, which is brought up to date with each, until
 * all is mapped, one is refused or @stop, unless NULL, is set (0 then too).
 */
int vfio_space_map_parts(struct vfio_space *space, const struct vfio_extent *extent, uint64_t part,
			 const atomic_bool *stop, uint64_t *mapped) FERRY_MUST_CHECK;

/* The size of the part that begins at @iova of the @rest bytes from there. */
uint64_t vfio_space_part(uint64_t iova, uint64_t rest, uint64_t part);

/*
 * VFIO_IOMMU_UNMAP_DMA of exactly [@iova, @iova + @size): -EIO when less was unmapped. @what is for
 * the sentence.
 */
int vfio_space_unmap(struct vfio_space *space, const char *what, uint64_t iova, uint64_t size,
		     struct err *err) FERRY_MUST_CHECK;

/* The smallest page that the IOMMU can map: what everything must be a multiple of. */
uint64_t vfio_space_page(const struct vfio_space *space);

#endif
