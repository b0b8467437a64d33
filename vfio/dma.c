/* SPDX-License-Identifier: BSD-3-Clause */
/* The mapper: populate, map a piece at a time in parts, take all back when one is refused. */

#include "vfio/dma.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"

enum { MAPPER_NICE = 10, DMA_MAPPERS_MAX = 16 };

static uint64_t dma_left_to_map(const struct vfio_dma *dma)
{
	uint64_t left = 0;

	for (size_t i = 0; i < dma->count; i++)
		left += dma->pieces[i].size - dma->pieces[i].mapped;
	return left;
}

/* One sentence for each reason that a person can act on. */
static int dma_refuse_map(const struct vfio_dma *dma, uint64_t iova, uint64_t size, int rc,
			  struct err *err)
{
	char locked[384];
	const char *why;

	switch (rc) {
	case -ENOMEM:
		vfio_memlock_explain(&dma->space->memlock, dma_left_to_map(dma), locked,
				     sizeof(locked));
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
		why = dma->space->ops->when_full;
		break;
	default:
		why = err_text(rc);
		break;
	}
	return err_set(err, rc,
		       "guest RAM 0x%" PRIx64 "-0x%" PRIx64 ": it cannot be mapped for DMA: %s",
		       iova, iova + (size - 1), why);
}

static void dma_chunk_done(void *owner, uint64_t bytes)
{
	vfio_progress_add(owner, bytes);
}

static int dma_populate_piece(struct vfio_dma *dma, size_t index, struct err *err)
{
	const struct vfio_dma_piece *piece = &dma->pieces[index];
	const struct populate_watch watch = {
		.stop = &dma->stopping,
		.done = dma_chunk_done,
		.owner = &dma->progress,
	};
	int rc = dma->space->ops->unpinned ? 0 : ram_populate(dma->ram, index, &watch);

	if (rc)
		return err_set(err, rc,
			       "guest RAM 0x%" PRIx64 "-0x%" PRIx64 ": the host cannot provide it: "
			       "%s: give the guest less memory or free some",
			       piece->iova, piece->iova + (piece->size - 1), err_text(rc));
	return 0;
}

/* A piece that several threads map, each part by part. */
struct dma_job {
	struct vfio_dma *dma;
	struct vfio_dma_piece *piece;
	pthread_mutex_t lock;
	uint64_t next; /* from the piece's start: the first part that nobody has taken */
	int refused;   /* the first errno, and of which part */
	uint64_t refused_iova, refused_size;
};

/* The next part of the piece, while all goes well. */
static bool dma_take_part(struct dma_job *job, struct vfio_mapping *part)
{
	const struct vfio_dma_piece *piece = job->piece;
	bool taken;

	pthread_mutex_lock(&job->lock);
	taken = !job->refused && job->next < piece->size && !atomic_load(&job->dma->stopping);
	if (taken) {
		part->iova = piece->iova + job->next;
		part->size = vfio_space_part(part->iova, piece->size - job->next, job->dma->part);
		part->host = (char *)piece->host + job->next;
		part->fd = piece->fd;
		part->fd_offset = piece->fd_offset + job->next;
		job->next += part->size;
	}
	pthread_mutex_unlock(&job->lock);
	return taken;
}

static void dma_part_done(struct dma_job *job, const struct vfio_mapping *part, int rc)
{
	struct vfio_dma_piece *piece = job->piece;
	uint64_t end = part->iova - piece->iova + part->size;

	pthread_mutex_lock(&job->lock);
	if (!rc) {
		piece->mapped += part->size;
		piece->reach = end > piece->reach ? end : piece->reach;
	} else if (!job->refused) {
		job->refused = rc;
		job->refused_iova = part->iova;
		job->refused_size = part->size;
	}
	pthread_mutex_unlock(&job->lock);
}

static void *dma_map_parts(void *argument)
{
	struct dma_job *job = argument;
	struct vfio_space *space = job->dma->space;
	struct vfio_mapping part = {.flags = VFIO_MAP_READ | VFIO_MAP_WRITE};

	while (dma_take_part(job, &part))
		dma_part_done(job, &part, space->ops->map(space, &part));
	return NULL;
}

/* As many as there are parts for; fewer where no thread is to be had. */
static void dma_run(struct dma_job *job)
{
	uint64_t parts = (job->piece->size - 1) / job->dma->part + 1;
	pthread_t threads[DMA_MAPPERS_MAX];
	unsigned int started = 0;

	while (started + 1 < job->dma->mappers && started + 1 < parts &&
	       !thread_create(&threads[started], THREAD_MAPPER, dma_map_parts, job))
		started++;
	dma_map_parts(job);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

static int dma_map_piece(struct vfio_dma *dma, struct vfio_dma_piece *piece, struct err *err)
{
	struct dma_job job = {
		.dma = dma,
		.piece = piece,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};

	dma_run(&job);
	pthread_mutex_destroy(&job.lock);
	if (!job.refused)
		return 0;
	return dma_refuse_map(dma, job.refused_iova, job.refused_size, job.refused, err);
}

static void dma_unmap_all(struct vfio_dma *dma)
{
	for (size_t i = dma->count; i-- > 0;) {
		struct vfio_dma_piece *piece = &dma->pieces[i];
		struct err err = {0};

		if (piece->mapped && vfio_space_unmap(dma->space, "guest RAM", piece->iova,
						      piece->reach, piece->mapped, &err))
			log_error("%s", err.text);
		piece->mapped = piece->reach = 0;
	}
}

/* All pieces, then the peers; stopped half way it has not failed. */
static int dma_map_all(struct vfio_dma *dma, struct err *err)
{
	for (size_t i = 0; i < dma->count; i++) {
		int rc = dma_populate_piece(dma, i, err);

		if (!rc)
			rc = dma_map_piece(dma, &dma->pieces[i], err);
		if (rc || atomic_load(&dma->stopping))
			return rc;
	}
	if (dma->peers)
		vfio_peers_settle(dma->peers, &dma->stopping);
	return 0;
}

static void dma_call_back(struct vfio_dma *dma, const struct err *err)
{
	if (!atomic_load(&dma->stopping) || atomic_load(&dma->abandoned))
		dma->callback(dma->machine, err);
}

/* More than a processor each gains nothing. */
static unsigned int dma_choose_mappers(const struct vfio_dma *dma)
{
	unsigned int mappers = dma->space->ops->maps_at_once;
	cpu_set_t cpus;

	if (mappers > DMA_MAPPERS_MAX)
		mappers = DMA_MAPPERS_MAX;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 &&
	    mappers > (unsigned int)CPU_COUNT(&cpus))
		mappers = (unsigned int)CPU_COUNT(&cpus);
	return mappers;
}

static void *dma_mapper(void *argument)
{
	struct vfio_dma *dma = argument;
	struct err err = {0};
	int rc;

	dma->mappers = dma_choose_mappers(dma);
	vfio_progress_start(&dma->progress, ram_total(dma->ram), dma->now);
	rc = dma_map_all(dma, &err);
	if (atomic_load(&dma->stopping)) {
		rc = 0;
	} else if (rc) {
		dma_unmap_all(dma);
	} else {
		vfio_progress_finish(&dma->progress);
		atomic_store(&dma->mapped, true);
	}
	vfio_progress_end(&dma->progress);
	dma_call_back(dma, rc ? &err : NULL);
	return NULL;
}

/* An IOMMU whose smallest page is larger than a piece's alignment cannot map it. */
static int dma_check_alignment(const struct vfio_dma *dma, struct err *err)
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

/*
 * Signals are the main thread's and the vCPUs'. The guest runs meanwhile: this thread and those it
 * starts take what processors it leaves.
 */
static int dma_start_thread(struct vfio_dma *dma)
{
	static const struct thread_place behind = {.nice = MAPPER_NICE};
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = thread_create_at(&dma->thread, THREAD_MAPPER, &behind, dma_mapper, dma);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	dma->running = !rc;
	return rc;
}

/*
 * Whether RAM takes half of the maps at most: the rest is for peers. A piece's two ends count too.
 */
static bool dma_fits_half(const struct vfio_dma *dma, uint64_t part)
{
	const struct vfio_space_ops *ops = dma->space->ops;

	return !ops->maps_left ||
	       ram_total(dma->ram) / part + 2 * dma->count <= ops->maps_left(dma->space) / 2;
}

static uint64_t dma_choose_part(const struct vfio_dma *dma, uint64_t least)
{
	uint64_t part = least ? least : VFIO_SPACE_PART;

	/* What is done at once needs no parts. */
	if (dma->space->ops->unpinned && !least)
		return UINT64_C(1) << 63;
	while (part < ram_page_size(dma->ram) || part < vfio_space_page(dma->space))
		part *= 2;
	while (part < ram_total(dma->ram) && !dma_fits_half(dma, part))
		part *= 2;
	return part;
}

static void dma_take_pieces(struct vfio_dma *dma)
{
	dma->count = ram_piece_count(dma->ram);
	for (size_t i = 0; i < dma->count; i++) {
		const struct mem_region *region = ram_piece(dma->ram, i);

		dma->pieces[i].iova = region->base;
		dma->pieces[i].size = region->size;
		dma->pieces[i].host = region->host;
		dma->pieces[i].fd = ram_file(dma->ram, i, &dma->pieces[i].fd_offset);
		dma->pieces[i].mapped = dma->pieces[i].reach = 0;
	}
}

int vfio_dma_start(struct vfio_dma *dma, const struct vfio_dma_config *config, struct err *err)
{
	int rc;

	dma->space = config->space;
	dma->ram = config->ram;
	dma->peers = config->peers;
	dma->now = config->now;
	dma->callback = config->callback;
	dma->machine = config->machine;
	atomic_store(&dma->stopping, false);
	atomic_store(&dma->abandoned, false);
	dma_take_pieces(dma);
	rc = dma_check_alignment(dma, err);
	if (rc)
		return rc;
	dma->part = dma_choose_part(dma, config->part);
	rc = dma_start_thread(dma);
	return rc ? err_set(err, rc, "mapper of guest RAM: thread: %s", err_text(rc)) : 0;
}

bool vfio_dma_mapped(const struct vfio_dma *dma)
{
	return atomic_load(&dma->mapped);
}

void vfio_dma_join(struct vfio_dma *dma)
{
	if (dma->running)
		pthread_join(dma->thread, NULL);
	dma->running = false;
}

void vfio_dma_abandon(struct vfio_dma *dma)
{
	atomic_store(&dma->abandoned, true);
	atomic_store(&dma->stopping, true);
	vfio_dma_join(dma);
	atomic_store(&dma->mapped, false);
	for (size_t i = 0; i < dma->count; i++)
		dma->pieces[i].mapped = dma->pieces[i].reach = 0;
}

void vfio_dma_stop(struct vfio_dma *dma)
{
	atomic_store(&dma->stopping, true);
	vfio_dma_join(dma);
	atomic_store(&dma->mapped, false);
	dma_unmap_all(dma);
}
