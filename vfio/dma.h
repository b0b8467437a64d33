/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest RAM mapped for DMA by a thread of its own while the guest already runs. */

#ifndef FERRY_VFIO_DMA_H
#define FERRY_VFIO_DMA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "memory/ram.h"
#include "vfio/backend.h"
#include "vfio/vfio.h"

struct vfio_dma_piece {
	uint64_t iova; /* the guest-physical address */
	uint64_t size;
	void *host;
};

/* Zero-initialise. */
struct vfio_dma {
	struct vfio_space *space;
	const struct ram *ram;
	atomic_bool mapped; /* every piece: only then may a device become a bus master */
	atomic_bool stopping;
	bool running; /* there is a thread to join */
	pthread_t thread;
	struct vfio_dma_piece pieces[RAM_PIECES_MAX];
	size_t count;
	size_t done; /* pieces mapped; the mapper's, or the owner's once it is joined */
	vfio_mapped callback;
	void *machine;
};

/*
 * Takes a snapshot of @ram's pieces and starts the mapper: it populates each piece's host pages from
 * several threads, then maps it whole. @space, @ram outlive vfio_dma_stop(). @callback comes once
 * from the mapper, unless it was stopped before. On failure it has taken back what it had mapped.
 */
int vfio_dma_start(struct vfio_dma *dma, struct vfio_space *space, const struct ram *ram,
		   vfio_mapped callback, void *machine, struct err *err) FERRY_MUST_CHECK;

/* Whether devices may master. Any thread. */
bool vfio_dma_mapped(const struct vfio_dma *dma);

/* Joins the mapper and unmaps everything; a second call does nothing. */
void vfio_dma_stop(struct vfio_dma *dma);

/* VFIO_IOMMU_UNMAP_DMA of exactly [@iova, @iova + @size): -EIO when less was unmapped. */
int vfio_dma_unmap(struct vfio_space *space, uint64_t iova, uint64_t size,
		   struct err *err) FERRY_MUST_CHECK;

#endif
