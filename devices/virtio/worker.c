/* SPDX-License-Identifier: BSD-3-Clause */
/* A device in the monitor: its thread, which serves the queues, and what starts and stops that. */

#include "devices/virtio/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "devices/virtio/worker_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/thread.h"

static size_t worker_requests_size(void)
{
	return WORKER_REQUESTS * sizeof(struct worker_request);
}

int worker_init(struct virtio_worker *worker, struct virtio_device *device,
		const struct worker_setup *setup, struct err *err)
{
	void *requests = mmap(NULL, worker_requests_size(), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*worker = (struct virtio_worker){.device = device, .setup = *setup, .command = -1};
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->changed, NULL);
	if (requests == MAP_FAILED)
		return err_set(err, -errno, "%s: %s", device->name, err_text(errno));
	/* Mapped, not allocated: of each only what a chain needs is ever touched. */
	worker->requests = requests;
	return 0;
}

/* The last first: those at the front are used, and touched, most. */
static void worker_idle_all(struct virtio_worker *worker)
{
	worker->idle = NULL;
	for (unsigned int i = WORKER_REQUESTS; i-- > 0;) {
		struct worker_request *request = &worker->requests[i];

		request->index = i;
		request->chain.iov = request->iov;
		request->next = worker->idle;
		worker->idle = request;
	}
}

int worker_attach(struct virtio_worker *worker, const struct virtio_attach *attach, struct err *err)
{
	worker->attach = *attach;
	return worker_ring_open(worker, err);
}

/* What follows has the lock held. */

static bool worker_is_quiet(const struct virtio_worker *worker)
{
	return worker->in_flight == 0 || worker->lost;
}

static bool worker_is_on(const struct virtio_worker *worker)
{
	return worker->phase == WORKER_RUNNING && !worker->paused;
}

/* What was being waited for is over. */
static void worker_settle(struct virtio_worker *worker)
{
	for (unsigned int i = 0; i < worker->device->queue_count; i++) {
		struct worker_queue *queue = &worker->queues[i];

		if (!queue->on && (queue->in_flight == 0 || worker->lost))
			queue->there = false;
	}
	if (!worker_is_quiet(worker))
		return;
	if (worker->phase == WORKER_STOPPING)
		worker->phase = WORKER_STOPPED;
	pthread_cond_broadcast(&worker->changed);
}

static void worker_fail(struct virtio_worker *worker, const char *why)
{
	if (worker->broken)
		return;
	worker->broken = true;
	worker->attach.transport->broke(worker->attach.owner, why);
}

static void worker_finish(struct virtio_worker *worker, struct worker_request *request)
{
	struct worker_queue *queue = &worker->queues[request->queue];

	virtio_queue_give(&queue->ring, &request->chain, request->written);
	queue->given = true;
	queue->in_flight--;
	worker->in_flight--;
	request->next = worker->idle;
	worker->idle = request;
}

/* The next chain of @queue, if there is one and there is room for it. */
static bool worker_take(struct virtio_worker *worker, struct worker_queue *queue)
{
	struct worker_request *request = worker->idle;
	struct err err = {0};
	int rc = virtio_queue_take(&queue->ring, &request->chain, &err);

	if (rc == 0)
		return false;
	request->queue = (unsigned int)(queue - worker->queues);
	if (rc > 0) {
		request->written = 0;
		worker->idle = request->next;
		worker->in_flight++;
		queue->in_flight++;
		rc = worker->setup.ops->begin(worker, request, &err);
	}
	if (rc == WORKER_DONE)
		worker_finish(worker, request);
	if (rc >= 0)
		return true;
	if (worker->idle != request) {
		/* Taken, and not what it should be: it is not given back. */
		queue->in_flight--;
		worker->in_flight--;
		request->next = worker->idle;
		worker->idle = request;
	}
	err_prefix(&err, "queue %u", request->queue);
	worker_fail(worker, err.text);
	return false;
}

/*
 * So many chains at once as the queue has, so that a guest that offers more all the time does not
 * keep the lock from others.
 */
static void worker_serve(struct virtio_worker *worker, struct worker_queue *queue)
{
	unsigned int left = queue->ring.size;

	virtio_queue_silence(&queue->ring);
	do {
		while (left > 0 && worker->idle && worker_take(worker, queue))
			left--;
		if (worker->broken)
			return;
		if (left == 0 || !worker->idle) {
			queue->pending = true;
			/* What it has kept others from is theirs first. */
			if (!worker->idle)
				worker->first = (unsigned int)(queue - worker->queues) + 1;
			return;
		}
	} while (virtio_queue_listen(&queue->ring));
}

static void worker_serve_all(struct virtio_worker *worker)
{
	const unsigned int count = worker->device->queue_count, first = worker->first;

	for (unsigned int i = 0; i < count; i++) {
		struct worker_queue *queue = &worker->queues[(first + i) % count];

		if (!worker_is_on(worker) || worker->broken || !worker->idle)
			return;
		if (!queue->on || !queue->pending)
			continue;
		queue->pending = false;
		worker_serve(worker, queue);
	}
}

static void worker_call_all(struct virtio_worker *worker)
{
	for (unsigned int i = 0; i < worker->device->queue_count; i++) {
		struct worker_queue *queue = &worker->queues[i];

		if (!queue->given)
			continue;
		queue->given = false;
		if (virtio_queue_wants_call(&queue->ring))
			worker->attach.transport->call(worker->attach.owner, i);
	}
}

static bool worker_has_pending(const struct virtio_worker *worker)
{
	if (!worker_is_on(worker) || worker->broken || !worker->idle)
		return false;
	for (unsigned int i = 0; i < worker->device->queue_count; i++)
		if (worker->queues[i].on && worker->queues[i].pending)
			return true;
	return false;
}

void worker_completed(struct virtio_worker *worker, struct worker_request *request, int rc)
{
	if (worker->setup.ops->go_on(worker, request, rc) == WORKER_DONE)
		worker_finish(worker, request);
}

void worker_kicked(struct virtio_worker *worker, unsigned int queue)
{
	worker->queues[queue].pending = true;
	worker->queues[queue].kicks += worker->queues[queue].count;
}

void worker_deaf(struct virtio_worker *worker, int rc)
{
	char why[128];

	snprintf(why, sizeof(why), "its kicks cannot be heard: %s", err_text(rc));
	worker_fail(worker, why);
}

bool worker_turn(struct virtio_worker *worker, bool *more)
{
	bool tell, on;

	pthread_mutex_lock(&worker->lock);
	worker_ring_reap(worker);
	worker_serve_all(worker);
	worker_call_all(worker);
	worker_settle(worker);
	/* Also one that goes on: whoever waits for it asks again. */
	tell = worker->awaited && (worker_is_quiet(worker) || worker_is_on(worker));
	if (tell)
		worker->awaited = false;
	*more = worker_has_pending(worker);
	on = !worker->ending || !worker_is_quiet(worker);
	pthread_mutex_unlock(&worker->lock);
	if (tell)
		worker->attach.transport->quiet(worker->attach.owner);
	return on;
}

static void worker_lose(struct virtio_worker *worker, int rc)
{
	char why[128];

	snprintf(why, sizeof(why), "io_uring: %s", err_text(rc));
	pthread_mutex_lock(&worker->lock);
	worker->lost = true;
	worker_fail(worker, why);
	worker_settle(worker);
	pthread_mutex_unlock(&worker->lock);
	worker->attach.transport->quiet(worker->attach.owner);
}

static void *worker_main(void *argument)
{
	struct virtio_worker *worker = argument;
	bool more = false;
	int rc;

	do {
		rc = worker_ring_wait(worker, !more);
	} while (!rc && worker_turn(worker, &more));
	if (rc)
		worker_lose(worker, rc);
	return NULL;
}

int worker_begin(struct virtio_worker *worker, const char *name, struct err *err)
{
	const struct thread_place place = {.name = name};
	int rc = thread_create_at(&worker->thread, THREAD_IO, &place, worker_main, worker);

	if (rc)
		return err_set(err, rc, "%s: its thread: %s", worker->device->name, err_text(rc));
	worker->started = true;
	return 0;
}

void worker_end(struct virtio_worker *worker)
{
	if (worker->started) {
		pthread_mutex_lock(&worker->lock);
		worker->ending = true;
		worker->phase = WORKER_STOPPED;
		pthread_mutex_unlock(&worker->lock);
		fd_signal(worker->command);
		pthread_join(worker->thread, NULL);
	}
	worker_ring_close(worker);
	fd_close(&worker->command);
	if (worker->requests)
		munmap(worker->requests, worker_requests_size());
	pthread_cond_destroy(&worker->changed);
	pthread_mutex_destroy(&worker->lock);
}

/* What the transport does; see device.h. */

/* Lock held. */
static int worker_open_queue(struct virtio_worker *worker, unsigned int index,
			     const struct virtio_queue_place *place, struct err *err)
{
	struct worker_queue *queue = &worker->queues[index];
	int rc;

	assert(queue->in_flight == 0 || worker->lost);
	queue->on = queue->there = false;
	if (!place->size)
		return 0;
	rc = virtio_queue_start(&queue->ring, worker->attach.ram, place, worker->features, err);
	if (rc)
		return err_prefix(err, "queue %u", index);
	/* A kick may have come before. */
	queue->on = queue->there = queue->pending = true;
	queue->given = false;
	queue->kicks = 0;
	return 0;
}

int worker_start(struct virtio_worker *worker, uint64_t features,
		 const struct virtio_queue_place *places, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&worker->lock);
	assert(worker->phase == WORKER_STOPPED);
	worker->features = features;
	worker->broken = false;
	if (worker->lost)
		rc = err_set(err, -EIO, "io_uring has failed");
	else
		worker_idle_all(worker);
	for (unsigned int i = 0; i < worker->device->queue_count && !rc; i++)
		rc = worker_open_queue(worker, i, &places[i], err);
	if (!rc) {
		worker->setup.ops->start(worker, features);
		worker->phase = WORKER_RUNNING;
	}
	pthread_mutex_unlock(&worker->lock);
	fd_signal(worker->command);
	return rc;
}

/* Lock held: whether it is quiet; if not, the transport will be told. */
static bool worker_await(struct virtio_worker *worker)
{
	worker_settle(worker);
	worker->awaited = !worker_is_quiet(worker);
	return !worker->awaited;
}

bool worker_stop(struct virtio_worker *worker)
{
	bool quiet;

	pthread_mutex_lock(&worker->lock);
	if (worker->phase == WORKER_RUNNING)
		worker->phase = WORKER_STOPPING;
	for (unsigned int i = 0; i < worker->device->queue_count; i++)
		worker->queues[i].on = false;
	quiet = worker_await(worker);
	pthread_mutex_unlock(&worker->lock);
	return quiet;
}

bool worker_stop_queue(struct virtio_worker *worker, unsigned int queue)
{
	bool there;

	pthread_mutex_lock(&worker->lock);
	worker->queues[queue].on = false;
	worker_settle(worker);
	there = worker->queues[queue].there;
	pthread_mutex_unlock(&worker->lock);
	return !there;
}

int worker_start_queue(struct virtio_worker *worker, unsigned int queue,
		       const struct virtio_queue_place *place, struct err *err)
{
	int rc = 0;

	pthread_mutex_lock(&worker->lock);
	if (worker->phase == WORKER_RUNNING)
		rc = worker_open_queue(worker, queue, place, err);
	pthread_mutex_unlock(&worker->lock);
	fd_signal(worker->command);
	return rc;
}

bool worker_pause(struct virtio_worker *worker)
{
	bool quiet;

	pthread_mutex_lock(&worker->lock);
	worker->paused = true;
	quiet = worker_await(worker);
	pthread_mutex_unlock(&worker->lock);
	return quiet;
}

void worker_resume(struct virtio_worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	worker->paused = false;
	pthread_mutex_unlock(&worker->lock);
	fd_signal(worker->command);
}

bool worker_look(struct virtio_worker *worker, unsigned int queue, struct virtio_queue_state *state)
{
	bool there;

	pthread_mutex_lock(&worker->lock);
	there = worker->queues[queue].there;
	*state = (struct virtio_queue_state){.kicks = worker->queues[queue].kicks};
	if (there)
		virtio_queue_look(&worker->queues[queue].ring, state);
	pthread_mutex_unlock(&worker->lock);
	return there;
}

void worker_wait(struct virtio_worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	while (!worker_is_quiet(worker))
		pthread_cond_wait(&worker->changed, &worker->lock);
	worker_settle(worker);
	pthread_mutex_unlock(&worker->lock);
}
