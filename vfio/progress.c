/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells the person at the terminal how far guest RAM is, when that takes long enough to wonder. */

#include "vfio/progress.h"

#include <inttypes.h>
#include <stdbool.h>
#include <time.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"

static const uint64_t second = 1000000000;

static uint64_t progress_monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * second + (uint64_t)now.tv_nsec;
}

void vfio_progress_start(struct vfio_progress *progress, uint64_t total, uint64_t (*now)(void))
{
	*progress = (struct vfio_progress){.now = now ? now : progress_monotonic, .total = total};
	pthread_mutex_init(&progress->lock, NULL);
	progress->start = progress->now();
}

/* GiB where they tell enough, else MiB. */
static uint64_t progress_unit_of(const struct vfio_progress *progress)
{
	return progress->total >= 8 * GIB && is_aligned(progress->total, GIB) ? GIB : MIB;
}

static const char *progress_unit_name(uint64_t unit)
{
	return unit == GIB ? "GiB" : "MiB";
}

/*
 * A guest that leaves its line unfinished, as a prompt is, holds a line up for a second and no
 * more.
 */
static bool progress_is_place(struct vfio_progress *progress, uint64_t now)
{
	if (progress->due_at == 0)
		progress->due_at = now;
	return !log_is_mid_line() || now - progress->due_at >= second;
}

static bool progress_is_due(const struct vfio_progress *progress, uint64_t now)
{
	if (progress->told_at == 0)
		return now - progress->start > second;
	return now - progress->told_at >= 2 * second &&
	       progress->done - progress->told >= progress->total / 10;
}

void vfio_progress_add(struct vfio_progress *progress, uint64_t bytes)
{
	uint64_t unit = progress_unit_of(progress), now;

	pthread_mutex_lock(&progress->lock);
	progress->done += bytes;
	now = progress->now();
	if (progress_is_due(progress, now) && progress_is_place(progress, now)) {
		progress->due_at = 0;
		progress->told = progress->done;
		progress->told_at = now;
		log_notice("guest RAM: %" PRIu64 " of %" PRIu64 " %s are prepared for DMA",
			   progress->done / unit, progress->total / unit, progress_unit_name(unit));
	}
	pthread_mutex_unlock(&progress->lock);
}

void vfio_progress_finish(struct vfio_progress *progress)
{
	uint64_t took = progress->now() - progress->start, unit = progress_unit_of(progress);

	if (took > second)
		log_notice("guest RAM: all %" PRIu64 " %s are mapped for DMA, after %" PRIu64
			   ".%" PRIu64 " s",
			   progress->total / unit, progress_unit_name(unit), took / second,
			   took % second * 10 / second);
}

void vfio_progress_end(struct vfio_progress *progress)
{
	pthread_mutex_destroy(&progress->lock);
}
