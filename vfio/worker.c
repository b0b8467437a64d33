/* SPDX-License-Identifier: BSD-3-Clause */
/* The works that wait for the host's kernel, and the thread that does so for one of them. */

#include "vfio/worker.h"

#include <stddef.h>

#include "vmm/base/fd.h"
#include "vmm/base/thread.h"

void vfio_worker_add(struct vfio_worker *worker, struct vfio_work *work)
{
	struct vfio_work **end = &worker->first;

	while (*end)
		end = &(*end)->next;
	work->next = NULL;
	*end = work;
	fd_signal(worker->turn);
}

bool vfio_worker_drop(struct vfio_worker *worker, struct vfio_work *work)
{
	struct vfio_work **at = &worker->first;

	while (*at && *at != work)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = work->next;
	return true;
}

bool vfio_worker_is_busy(const struct vfio_worker *worker)
{
	return worker->current;
}

static void *worker_thread(void *argument)
{
	struct vfio_worker *worker = argument;

	worker->current->carry_out(worker->current);
	atomic_store(&worker->ended, true);
	fd_signal(worker->turn);
	return NULL;
}

/* Where there is no thread to be had the main thread waits for the kernel itself. */
static void worker_start(struct vfio_worker *worker, struct vfio_work *work)
{
	worker->current = work;
	atomic_store(&worker->ended, false);
	worker->has_thread = !thread_create(&worker->thread, THREAD_DEVICE, worker_thread, worker);
	if (!worker->has_thread)
		worker_thread(worker);
}

static struct vfio_work *worker_take_current(struct vfio_worker *worker)
{
	struct vfio_work *work = worker->current;

	if (worker->has_thread)
		pthread_join(worker->thread, NULL);
	worker->has_thread = false;
	worker->current = NULL;
	return work;
}

static struct vfio_work *worker_take_first(struct vfio_worker *worker)
{
	struct vfio_work *work = worker->first;

	if (work)
		worker->first = work->next;
	return work;
}

void vfio_worker_turn(struct vfio_worker *worker)
{
	struct vfio_work *work;

	if (worker->current && !atomic_load(&worker->ended))
		return;
	work = worker->current ? worker_take_current(worker) : worker_take_first(worker);
	while (work && !work->advance(work))
		work = worker_take_first(worker);
	if (work)
		worker_start(worker, work);
}

struct vfio_work *vfio_worker_stop(struct vfio_worker *worker)
{
	worker->first = NULL;
	return worker_take_current(worker);
}
