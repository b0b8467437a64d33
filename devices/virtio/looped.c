/* SPDX-License-Identifier: BSD-3-Clause */
/* A device in the monitor without a thread: the main loop serves its queues. */

#include "devices/virtio/looped.h"

#include <assert.h>
#include <sys/epoll.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/loop.h"

void looped_end(struct virtio_looped *looped)
{
	for (unsigned int i = 0; i < looped->device.queue_count; i++)
		if (looped->queues[i].watched)
			loop_remove(looped->attach.loop, looped->attach.kicks[i]);
	pthread_mutex_destroy(&looped->lock);
}

void looped_poke(struct virtio_looped *looped, unsigned int queue)
{
	if (looped->attach.kicks)
		fd_signal(looped->attach.kicks[queue]);
}

/* What follows has the lock held. */

/* The chain that @queue is at, or the next one: 1 when it was given back. */
static int looped_go_on(struct virtio_looped *looped, struct looped_queue *queue, struct err *err)
{
	struct looped_chain *at = &queue->at;
	int rc = 1;

	if (!queue->holds) {
		rc = virtio_queue_take(&queue->ring, &at->chain, err);
		at->done = 0;
		at->written = 0;
	}
	if (rc <= 0)
		return rc;
	queue->holds = true;
	rc = looped->ops->work(looped, queue->index, at, err);
	if (rc != LOOPED_DONE)
		return rc;
	queue->holds = false;
	queue->given = true;
	virtio_queue_give(&queue->ring, &at->chain, at->written);
	return 1;
}

static void looped_fail(struct virtio_looped *looped, const struct looped_queue *queue,
			struct err *err)
{
	err_prefix(err, "queue %u", queue->index);
	looped->broken = true;
	looped->attach.transport->broke(looped->attach.owner, err->text);
}

/* A guest that offers more all the time keeps the loop from nobody: it is poked to come again. */
static void looped_serve(struct virtio_looped *looped, struct looped_queue *queue)
{
	unsigned int left = LOOPED_TURN;
	struct err err = {0};
	int rc = 1;

	virtio_queue_silence(&queue->ring);
	do {
		while (left > 0 && (rc = looped_go_on(looped, queue, &err)) > 0)
			left--;
		if (rc < 0) {
			looped_fail(looped, queue, &err);
			return;
		}
		if (left == 0) {
			looped_poke(looped, queue->index);
			return;
		}
	} while (!queue->holds && virtio_queue_listen(&queue->ring));
}

static void looped_call(struct virtio_looped *looped, struct looped_queue *queue)
{
	if (!queue->given)
		return;
	queue->given = false;
	if (virtio_queue_wants_call(&queue->ring))
		looped->attach.transport->call(looped->attach.owner, queue->index);
}

static void looped_kicked(void *owner, uint32_t events)
{
	struct looped_queue *queue = owner;
	struct virtio_looped *looped = queue->looped;

	(void)events;
	fd_take(looped->attach.kicks[queue->index]);
	pthread_mutex_lock(&looped->lock);
	if (queue->on && !looped->paused && !looped->broken) {
		looped_serve(looped, queue);
		looped_call(looped, queue);
	}
	pthread_mutex_unlock(&looped->lock);
}

/* What the transport does; see device.h. */

static struct virtio_looped *looped_of(struct virtio_device *device)
{
	return container_of(device, struct virtio_looped, device);
}

static int looped_attach(struct virtio_device *device, const struct virtio_attach *attach,
			 struct err *err)
{
	(void)err;
	looped_of(device)->attach = *attach;
	return 0;
}

static int looped_begin(struct virtio_device *device, struct err *err)
{
	struct virtio_looped *looped = looped_of(device);
	int rc = 0;

	for (unsigned int i = 0; i < device->queue_count && !rc; i++) {
		struct looped_queue *queue = &looped->queues[i];

		rc = loop_add(looped->attach.loop, looped->attach.kicks[i], EPOLLIN, looped_kicked,
			      queue, err);
		queue->watched = !rc;
	}
	return rc ? err_prefix(err, "%s", device->name) : 0;
}

/* Lock held. */
static int looped_open_queue(struct virtio_looped *looped, unsigned int index,
			     const struct virtio_queue_place *place, struct err *err)
{
	struct looped_queue *queue = &looped->queues[index];
	int rc;

	queue->on = queue->holds = queue->given = false;
	if (!place->size)
		return 0;
	rc = virtio_queue_start(&queue->ring, looped->attach.ram, place, looped->features, err);
	if (rc)
		return err_prefix(err, "queue %u", index);
	queue->on = true;
	/* A kick may have come before. */
	looped_poke(looped, index);
	return 0;
}

static int looped_start(struct virtio_device *device, uint64_t features,
			const struct virtio_queue_place *places, struct err *err)
{
	struct virtio_looped *looped = looped_of(device);
	int rc = 0;

	pthread_mutex_lock(&looped->lock);
	assert(!looped->running);
	looped->features = features;
	for (unsigned int i = 0; i < device->queue_count && !rc; i++)
		rc = looped_open_queue(looped, i, &places[i], err);
	looped->running = !rc;
	looped->broken = rc;
	pthread_mutex_unlock(&looped->lock);
	return rc;
}

/* Lock held. What it has of the queue is the driver's again: nothing of it is touched any more. */
static void looped_close_queue(struct virtio_looped *looped, unsigned int index)
{
	looped->queues[index].on = looped->queues[index].holds = false;
}

static bool looped_stop(struct virtio_device *device)
{
	struct virtio_looped *looped = looped_of(device);

	pthread_mutex_lock(&looped->lock);
	looped->running = false;
	for (unsigned int i = 0; i < device->queue_count; i++)
		looped_close_queue(looped, i);
	pthread_mutex_unlock(&looped->lock);
	return true;
}

static bool looped_stop_queue(struct virtio_device *device, unsigned int queue)
{
	struct virtio_looped *looped = looped_of(device);

	pthread_mutex_lock(&looped->lock);
	looped_close_queue(looped, queue);
	pthread_mutex_unlock(&looped->lock);
	return true;
}

static int looped_start_queue(struct virtio_device *device, unsigned int queue,
			      const struct virtio_queue_place *place, struct err *err)
{
	struct virtio_looped *looped = looped_of(device);
	int rc = 0;

	pthread_mutex_lock(&looped->lock);
	if (looped->running)
		rc = looped_open_queue(looped, queue, place, err);
	pthread_mutex_unlock(&looped->lock);
	return rc;
}

static bool looped_pause(struct virtio_device *device)
{
	struct virtio_looped *looped = looped_of(device);

	pthread_mutex_lock(&looped->lock);
	looped->paused = true;
	pthread_mutex_unlock(&looped->lock);
	return true;
}

static void looped_resume(struct virtio_device *device)
{
	struct virtio_looped *looped = looped_of(device);

	pthread_mutex_lock(&looped->lock);
	looped->paused = false;
	pthread_mutex_unlock(&looped->lock);
	for (unsigned int i = 0; i < device->queue_count; i++)
		looped_poke(looped, i);
}

static bool looped_look(struct virtio_device *device, unsigned int queue,
			struct virtio_queue_state *state)
{
	struct virtio_looped *looped = looped_of(device);
	bool on;

	pthread_mutex_lock(&looped->lock);
	on = looped->queues[queue].on;
	*state = (struct virtio_queue_state){0};
	if (on)
		virtio_queue_look(&looped->queues[queue].ring, state);
	pthread_mutex_unlock(&looped->lock);
	return on;
}

static void looped_destroy(struct virtio_device *device)
{
	struct virtio_looped *looped = looped_of(device);

	looped->ops->destroy(looped);
}

static const struct virtio_device_ops looped_device_ops = {
	.attach = looped_attach,
	.begin = looped_begin,
	.start = looped_start,
	.stop = looped_stop,
	.stop_queue = looped_stop_queue,
	.start_queue = looped_start_queue,
	.pause = looped_pause,
	.resume = looped_resume,
	.look = looped_look,
	.destroy = looped_destroy,
};

void looped_init(struct virtio_looped *looped, const struct looped_ops *ops)
{
	assert(looped->device.queue_count <= LOOPED_QUEUES_MAX);
	looped->device.ops = &looped_device_ops;
	looped->device.polls = true;
	looped->ops = ops;
	pthread_mutex_init(&looped->lock, NULL);
	for (unsigned int i = 0; i < LOOPED_QUEUES_MAX; i++) {
		looped->queues[i].looped = looped;
		looped->queues[i].index = i;
		looped->queues[i].at.chain.iov = looped->queues[i].iov;
	}
}
