/* SPDX-License-Identifier: BSD-3-Clause */
/* The mapper: populate in parallel, map one piece at a time, take all back when one is refused. */

#include "vfio/dma.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vfio/space.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"

enum { MAPPER_NICE = 10 };

static void format_limit(char *text, size_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		snprintf(text, size, "unlimited");
	else
		snprintf(text, size, "%" PRIu64 " KiB", (uint64_t)limit.rlim_cur / KIB);
}

/* One sentence for each reason that a person can act on. */
static int refuse_map(const struct vfio_dma_piece *piece, int error, struct err *err)
{
	char limit[32], locked[128];
	const char *why;

	switch (error) {
	case -ENOMEM:
		format_limit(limit, sizeof(limit));
		snprintf(locked, sizeof(locked),
			 "%" PRIu64 " KiB more cannot be locked, the limit is %s: raise it "
			 "(ulimit -l) or free memory",
			 piece->size / KIB, limit);
		why = locked;
		break;
	case -EINVAL:
		why = "part of it is reserved or beyond the IOMMU's addresses: give the guest less "
		      "memory";
		break;
	case -EEXIST:
	case -EBUSY:
		why = "it overlaps what is already mapped";
		break;
	case -ENOSPC:
		why = "the container holds no more mappings: raise vfio_iommu_type1.dma_entry_limit";
		break;
	default:
		why = err_text(error);
		break;
	}
	return err_set(err, error,
		       "guest RAM 0x%" PRIx64 "-0x%" PRIx64 ": it cannot be mapped for DMA: %s",
		       piece->iova, piece->iova + (piece->size - 1), why);
}

static void chunk_done(void *owner, uint64_t bytes)
{
	vfio_progress_add(owner, bytes);
}

static int populate_piece(struct vfio_dma *dma, size_t index, struct err *err)
{
	const struct vfio_dma_piece *piece = &dma->pieces[index];
	const struct populate_watch watch = {
		.stop = &dma->stopping,
		.done = chunk_done,
		.owner = &dma->progress,
	};
	int error = ram_populate(dma->ram, index, &watch);

	if (error)
		return err_set(err, error,
			       "guest RAM 0x%" PRIx64 "-0x%" PRIx64 ": the host cannot provide it: "
			       "%s: give the guest less memory or free some",
			       piece->iova, piece->iova + (piece->size - 1), err_text(error));
	return 0;
}

static int map_piece(struct vfio_dma *dma, const struct vfio_dma_piece *piece, struct err *err)
{
	int error = vfio_space_map(dma->space, piece->iova, piece->size, piece->host);

	return error ? refuse_map(piece, error, err) : 0;
}

/* Once abandoned the container's mappings may be gone already, and with them the IOMMU to ask. */
static void unmap_all(struct vfio_dma *dma)
{
	while (dma->done > 0) {
		const struct vfio_dma_piece *piece = &dma->pieces[--dma->done];
		struct err err = {0};

		if (!vfio_space_unmap(dma->space, "guest RAM", piece->iova, piece->size, &err))
			continue;
		if (atomic_load(&dma->abandoned))
			log_debug("%s", err.text);
		else
			log_error("%s", err.text);
	}
}

/* All pieces, then the peers; stopped half way it has not failed. */
static int map_all(struct vfio_dma *dma, struct err *err)
{
	while (dma->done < dma->count) {
		int error = populate_piece(dma, dma->done, err);

		if (atomic_load(&dma->stopping))
			return 0;
		if (!error)
			error = map_piece(dma, &dma->pieces[dma->done], err);
		if (error)
			return error;
		dma->done++;
	}
	if (dma->peers)
		vfio_peers_settle(dma->peers, &dma->stopping);
	return 0;
}

static void *mapper(void *argument)
{
	struct vfio_dma *dma = argument;
	struct err err = {0};
	int error;

	/* The guest runs meanwhile: this thread and those it starts take what processors it leaves. */
	if (setpriority(PRIO_PROCESS, (id_t)gettid(), MAPPER_NICE))
		log_debug("guest RAM is mapped for DMA at the guest's own priority");
	vfio_progress_start(&dma->progress, ram_total(dma->ram), dma->now);
	error = map_all(dma, &err);
	if (atomic_load(&dma->stopping)) {
		error = 0;
	} else if (error) {
		unmap_all(dma);
	} else {
		vfio_progress_finish(&dma->progress);
		atomic_store(&dma->mapped, true);
	}
	vfio_progress_end(&dma->progress);
	if (!atomic_load(&dma->stopping) || atomic_load(&dma->abandoned))
		dma->callback(dma->machine, error ? &err : NULL);
	return NULL;
}

/* An IOMMU whose smallest page is larger than a piece's alignment cannot map it. */
static int check_alignment(const struct vfio_dma *dma, struct err *err)
{
	uint64_t smallest = vfio_space_page(dma->space);

	for (size_t i = 0; i < dma->count; i++) {
		const struct vfio_dma_piece *piece = &dma->pieces[i];

		if (!is_aligned(piece->iova | piece->size | (uintptr_t)piece->host, smallest))
			return err_set(err, -EINVAL,
				       "guest RAM 0x%" PRIx64 "-0x%" PRIx64 ": it cannot be mapped "
				       "for DMA: the IOMMU's pages are of %" PRIu64
				       " KiB: give the "
				       "guest a multiple of that",
				       piece->iova, piece->iova + (piece->size - 1),
				       smallest / KIB);
	}
	return 0;
}

/* Signals are the main thread's and the vCPUs'. */
static int start_thread(struct vfio_dma *dma)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = thread_create(&dma->thread, mapper, dma);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static void take_pieces(struct vfio_dma *dma)
{
	dma->count = ram_piece_count(dma->ram);
	for (size_t i = 0; i < dma->count; i++) {
		const struct mem_region *region = ram_piece(dma->ram, i);

		dma->pieces[i].iova = region->base;
		dma->pieces[i].size = region->size;
		dma->pieces[i].host = region->host;
	}
}

int vfio_dma_start(struct vfio_dma *dma, const struct vfio_dma_config *config, struct err *err)
{
	int error;

	dma->space = config->space;
	dma->ram = config->ram;
	dma->peers = config->peers;
	dma->now = config->now;
	dma->callback = config->callback;
	dma->machine = config->machine;
	atomic_store(&dma->stopping, false);
	atomic_store(&dma->abandoned, false);
	take_pieces(dma);
	error = check_alignment(dma, err);
	if (error)
		return error;
	error = start_thread(dma);
	if (error)
		return err_set(err, error, "mapper of guest RAM: thread: %s", err_text(error));
	dma->running = true;
	return 0;
}

bool vfio_dma_mapped(const struct vfio_dma *dma)
{
	return atomic_load(&dma->mapped);
}

void vfio_dma_abandon(struct vfio_dma *dma)
{
	atomic_store(&dma->abandoned, true);
	atomic_store(&dma->stopping, true);
}

void vfio_dma_stop(struct vfio_dma *dma)
{
	if (!dma->running)
		return;
	atomic_store(&dma->stopping, true);
	pthread_join(dma->thread, NULL);
	dma->running = false;
	atomic_store(&dma->mapped, false);
	unmap_all(dma);
}
