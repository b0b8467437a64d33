/* SPDX-License-Identifier: BSD-3-Clause */
/* Mapping host memory into an address space for DMA, and taking exactly that back. */

#ifndef FERRY_VFIO_SPACE_H
#define FERRY_VFIO_SPACE_H

#include <stdint.h>

#include "vfio/backend.h"

/* VFIO_IOMMU_MAP_DMA, read and write; 0 or the back end's errno. */
int vfio_space_map(struct vfio_space *space, uint64_t iova, uint64_t size,
		   void *host) FERRY_MUST_CHECK;

/*
 * VFIO_IOMMU_UNMAP_DMA of exactly [@iova, @iova + @size): -EIO when less was unmapped. @what is for
 * the sentence.
 */
int vfio_space_unmap(struct vfio_space *space, const char *what, uint64_t iova, uint64_t size,
		     struct err *err) FERRY_MUST_CHECK;

/* The smallest page that the IOMMU can map: what everything must be a multiple of. */
uint64_t vfio_space_page(const struct vfio_space *space);

#endif
