/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells the person at the terminal how far guest RAM is, when that takes long enough to wonder. */

#ifndef FERRY_VFIO_PROGRESS_H
#define FERRY_VFIO_PROGRESS_H

#include <pthread.h>
#include <stdint.h>

struct vfio_progress {
	pthread_mutex_t lock;
	uint64_t (*now)(void); /* nanoseconds */
	uint64_t start;
	uint64_t total, done; /* bytes */
	uint64_t told;        /* what was done when it was last told, */
	uint64_t told_at;     /* and when that was */
	uint64_t due_at; /* since when a line waits for the guest to end its own; 0: none does */
};

/* @now NULL: the monotonic clock. */
void vfio_progress_start(struct vfio_progress *progress, uint64_t total, uint64_t (*now)(void));

/*
 * @bytes more are prepared; any thread. A line after the first second, then one when a tenth more
 * is there, but two seconds apart at least.
 */
void vfio_progress_add(struct vfio_progress *progress, uint64_t bytes);

/* All of it is mapped: a last line, with the time, if it took over a second. */
void vfio_progress_finish(struct vfio_progress *progress);

/* Whether it came to the finish or not. */
void vfio_progress_end(struct vfio_progress *progress);

#endif
