/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest RAM mapped for DMA by a thread of its own while the guest already runs. */

#ifndef FERRY_VFIO_DMA_H
#define FERRY_VFIO_DMA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "memory/ram.h"
#include "vfio/peer.h"
#include "vfio/progress.h"
#include "vfio/space.h"
#include "vfio/vfio.h"

struct vfio_dma_piece {
	uint64_t iova; /* the guest-physical address */
	uint64_t size;
	void *host;
	int fd; /* as in a mapping (space.h) */
	uint64_t fd_offset;
	/* Bytes of it, all in the first @reach; the mapper's, the owner's once that is joined. */
	uint64_t mapped, reach;
};

/* Zero-initialise. */
struct vfio_dma {
	struct vfio_space *space;
	const struct ram *ram;
	struct vfio_peers *peers;
	atomic_bool mapped;    /* every piece: only then may a device become a bus master */
	atomic_bool stopping;  /* nothing further is begun */
	atomic_bool abandoned; /* and what goes wrong does not matter */
	bool running;          /* there is a thread to join */
	pthread_t thread;
	struct vfio_dma_piece pieces[RAM_PIECES_MAX];
	size_t count;
	uint64_t part; /* bytes that are mapped at once, a power of two */
	uint64_t (*now)(void);
	unsigned int mappers;          /* threads that map a piece, at most */
	struct vfio_progress progress; /* the mapper's and its helpers' */
	vfio_mapped callback;
	void *machine;
};

struct vfio_dma_config {
	struct vfio_space *space;
	const struct ram *ram;
	struct vfio_peers *peers; /* whom to map after RAM; may be NULL */
	uint64_t (*now)(void);    /* nanoseconds; NULL: the monotonic clock */
	uint64_t part;            /* as above, at least; 0: what takes well below a second to pin */
	vfio_mapped callback;
	void *machine;
};

/*
 * Takes a snapshot of the RAM's pieces and starts the mapper: it populates each piece's host pages
 * from several threads, then maps it in parts, from as many threads as the space allows and there
 * are processors; after the last one the peers' BARs. Mapping a part cannot be interrupted: they
 * are small, so that nobody waits long for the mapper, but large enough to be half of the maps that
 * the space can hold at most. What @config names outlives vfio_dma_stop(). The callback comes once
 * from the mapper, unless it was stopped before. On failure it has taken back what it had mapped.
 * It may be started anew then, and when it was abandoned.
 */
int vfio_dma_start(struct vfio_dma *dma, const struct vfio_dma_config *config,
		   struct err *err) FERRY_MUST_CHECK;

/* Whether devices may master. Any thread. */
bool vfio_dma_mapped(const struct vfio_dma *dma);

/*
 * After the callback, with which the mapper has nothing left to do: it ends. Main thread; a second
 * call does nothing.
 */
void vfio_dma_join(struct vfio_dma *dma);

/*
 * To be called before the last device leaves the space, which may take the IOMMU and all mappings
 * with it: there is nobody left to map for, and nobody may be in the middle of mapping.
 * Joins the mapper, within a second: if it was still at work it has begun nothing further and ended
 * well whatever it was refused: the callback has come with NULL, so that whoever waited for the
 * mapping stops waiting. vfio_dma_mapped() is false from then on. Nothing is unmapped, then or
 * later.
 * Main thread, no lock held; a second call does nothing.
 */
void vfio_dma_abandon(struct vfio_dma *dma);

/* Joins the mapper, within a second, and unmaps all RAM; a second call does nothing. */
void vfio_dma_stop(struct vfio_dma *dma);

#endif
