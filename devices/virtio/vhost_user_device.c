/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that another process serves: what it offers, and what its transport wants of it. */

#include "devices/virtio/vhost_user_device.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "devices/virtio/vhost_user_device_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/local.h"

/*
 * Of those that are not a kind's own (VIRTIO 1.2 6): what queue and transport need nothing of this
 * process for. A queue is reset by messages that every server knows.
 */
static const uint64_t features_kept =
	UINT64_C(1) << VIRTIO_F_VERSION_1 | UINT64_C(1) << VIRTIO_RING_F_EVENT_IDX |
	UINT64_C(1) << VIRTIO_RING_F_INDIRECT_DESC | UINT64_C(1) << VIRTIO_F_IN_ORDER |
	UINT64_C(1) << VIRTIO_F_ORDER_PLATFORM;
static const uint64_t features_of_kinds = ((UINT64_C(1) << 24) - 1) | ~((UINT64_C(1) << 50) - 1);
static const uint64_t feature_ring_reset = UINT64_C(1) << VIRTIO_F_RING_RESET;

enum {
	DEVICE_QUEUE_SIZE = 256,
	DEVICE_AGAIN_MS = 1000, /* between two looks for a server that is gone */
};

static struct vhost_user_device *device_of(struct virtio_device *device)
{
	return container_of(device, struct vhost_user_device, device);
}

bool vhost_user_is_quiet(const struct vhost_user_device *device)
{
	for (unsigned int i = 0; i < device->device.queue_count; i++)
		if (device->rings[i].live)
			return false;
	return true;
}

static uint64_t device_filter(const struct vhost_user_device *device, uint64_t features)
{
	return features & (features_kept | features_of_kinds) & ~device->config->kind->withheld;
}

/* Fewer are the user's to choose where a kind has more than it must. */
static int device_check_queues(const struct vhost_user_device *device, struct err *err)
{
	const struct vhost_user_kind *kind = device->config->kind;
	unsigned int has = device->user.queues, wanted = device->device.queue_count;
	unsigned int least = vhost_user_count_queues(kind, 0);

	if (has >= wanted)
		return 0;
	if (has < least)
		return err_set(err, -EINVAL,
			       "its server has %u queue%s, and such a device has %u at least: "
			       "start the server with more, or take another server",
			       has, has == 1 ? "" : "s", least);
	return err_set(err, -EINVAL,
		       "its server has %u queue%s, and %u are wanted: give queues=%u%s, or start "
		       "the server with more",
		       has, has == 1 ? "" : "s", wanted, has - kind->queues,
		       has - kind->queues > 1 ? " or fewer" : "");
}

/* A server that came again offers at least what the guest was offered by the one before. */
static int device_check(const struct vhost_user_device *device, struct err *err)
{
	const struct vhost_user *user = &device->user;

	if (!(user->features >> VIRTIO_F_VERSION_1 & 1))
		return err_set(err, -EPROTO,
			       "its server is of before VIRTIO 1.0: take another server");
	if (device->needed & ~user->features || (device->patient && !vhost_user_tracks(user)))
		return err_set(err, -EPROTO,
			       "its server lacks features that the one before it had: start it as "
			       "that one was");
	return device_check_queues(device, err);
}

int vhost_user_join(struct vhost_user_device *device, struct err *err)
{
	const char *path = device->config->path;
	/* Who takes the place of one that has ended has the guest's memory as it had. */
	int fd = path ? local_reach_server(path, &device->user_id, err) : device->config->fd;
	int rc;

	if (fd < 0)
		return fd;
	rc = vhost_user_open(&device->user, fd, err);
	if (!rc)
		rc = device_check(device, err);
	if (rc)
		vhost_user_close(&device->user);
	return rc;
}

static int device_open_eventfds(struct vhost_user_device *device, struct err *err)
{
	int rc = device->command = fd_eventfd();

	device->heard = epoll_create1(EPOLL_CLOEXEC);
	if (device->heard < 0)
		rc = -errno;
	for (unsigned int i = 0; i < device->device.queue_count && rc >= 0; i++) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u32 = i};

		rc = device->calls[i] = fd_eventfd();
		if (rc >= 0 && epoll_ctl(device->heard, EPOLL_CTL_ADD, rc, &event))
			rc = -errno;
	}
	return rc < 0 ? err_set(err, rc, "%s: no descriptor: %s", device->device.name, err_text(rc))
		      : 0;
}

static int device_attach(struct virtio_device *virtio, const struct virtio_attach *attach,
			 struct err *err)
{
	struct vhost_user_device *device = device_of(virtio);
	uint64_t offset;

	device->attach = *attach;
	if (ram_file(attach->ram, 0, &offset) < 0)
		return err_set(err, -EINVAL, "%s: guest memory cannot be shared", virtio->name);
	return device_open_eventfds(device, err);
}

static int device_begin(struct virtio_device *virtio, struct err *err)
{
	return vhost_user_begin(device_of(virtio), virtio->name, err);
}

/* Lock held. The server believes the front end where queues are, so they are looked at here. */
static int device_set_ring(struct vhost_user_device *device, unsigned int index,
			   const struct virtio_queue_place *place, struct err *err)
{
	struct vhost_user_ring *ring = &device->rings[index];
	struct virtio_queue queue;
	int rc;

	ring->on = false;
	if (!place->size)
		return 0;
	rc = virtio_queue_start(&queue, device->attach.ram, place, device->features, err);
	if (rc)
		return err_prefix(err, "queue %u", index);
	ring->place = *place;
	ring->base = 0;
	ring->on = true;
	ring->lost = false;
	return 0;
}

static int device_start(struct virtio_device *virtio, uint64_t features,
			const struct virtio_queue_place *places, struct err *err)
{
	struct vhost_user_device *device = device_of(virtio);
	int rc = 0;

	pthread_mutex_lock(&device->lock);
	device->features = features;
	device->fresh = true;
	device->broken = false;
	for (unsigned int i = 0; i < virtio->queue_count && !rc; i++)
		rc = device_set_ring(device, i, &places[i], err);
	device->running = !rc;
	pthread_mutex_unlock(&device->lock);
	fd_signal(device->command);
	return rc;
}

/* Lock held: whether it is quiet; if not, the transport will be told. */
static bool device_await(struct vhost_user_device *device)
{
	device->awaited = !vhost_user_is_quiet(device);
	return !device->awaited;
}

static bool device_stop(struct virtio_device *virtio)
{
	struct vhost_user_device *device = device_of(virtio);
	bool quiet;

	pthread_mutex_lock(&device->lock);
	device->running = false;
	for (unsigned int i = 0; i < virtio->queue_count; i++)
		device->rings[i].on = false;
	quiet = device_await(device);
	pthread_mutex_unlock(&device->lock);
	fd_signal(device->command);
	return quiet;
}

static bool device_stop_queue(struct virtio_device *virtio, unsigned int queue)
{
	struct vhost_user_device *device = device_of(virtio);
	bool live;

	pthread_mutex_lock(&device->lock);
	device->rings[queue].on = false;
	live = device->rings[queue].live;
	pthread_mutex_unlock(&device->lock);
	fd_signal(device->command);
	return !live;
}

static int device_start_queue(struct virtio_device *virtio, unsigned int queue,
			      const struct virtio_queue_place *place, struct err *err)
{
	struct vhost_user_device *device = device_of(virtio);
	int rc = 0;

	pthread_mutex_lock(&device->lock);
	if (device->running)
		rc = device_set_ring(device, queue, place, err);
	pthread_mutex_unlock(&device->lock);
	fd_signal(device->command);
	return rc;
}

static bool device_pause(struct virtio_device *virtio)
{
	struct vhost_user_device *device = device_of(virtio);
	bool quiet;

	pthread_mutex_lock(&device->lock);
	device->paused = true;
	quiet = device_await(device);
	pthread_mutex_unlock(&device->lock);
	fd_signal(device->command);
	return quiet;
}

static void device_resume(struct virtio_device *virtio)
{
	struct vhost_user_device *device = device_of(virtio);

	pthread_mutex_lock(&device->lock);
	device->paused = false;
	pthread_mutex_unlock(&device->lock);
	fd_signal(device->command);
}

static void device_kick(struct virtio_device *virtio, unsigned int queue)
{
	struct vhost_user_device *device = device_of(virtio);

	pthread_mutex_lock(&device->lock);
	device->kicks |= UINT32_C(1) << queue;
	pthread_mutex_unlock(&device->lock);
	fd_signal(device->command);
}

/* The thread has a deadline for each answer, and what else it may stand in is interrupted. */
static void device_wait(struct virtio_device *virtio)
{
	struct vhost_user_device *device = device_of(virtio);

	pthread_mutex_lock(&device->lock);
	while (!vhost_user_is_quiet(device)) {
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		if (pthread_cond_timedwait(&device->changed, &device->lock, &until))
			vhost_user_nudge(device);
	}
	pthread_mutex_unlock(&device->lock);
}

static void device_destroy(struct virtio_device *virtio)
{
	struct vhost_user_device *device = device_of(virtio);

	vhost_user_end(device);
	vhost_user_close(&device->user);
	fd_close(&device->inflight.fd);
	fd_close(&device->command);
	fd_close(&device->heard);
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		fd_close(&device->calls[i]);
	pthread_cond_destroy(&device->changed);
	pthread_mutex_destroy(&device->lock);
	free(device);
}

static const struct virtio_device_ops device_ops = {
	.attach = device_attach,
	.begin = device_begin,
	.start = device_start,
	.stop = device_stop,
	.stop_queue = device_stop_queue,
	.start_queue = device_start_queue,
	.pause = device_pause,
	.resume = device_resume,
	.wait = device_wait,
	.kick = device_kick,
	.destroy = device_destroy,
};

int vhost_user_ask_config(struct vhost_user_device *device, struct virtio_device *virtio,
			  struct err *err)
{
	const struct vhost_user_kind *kind = device->config->kind;
	int rc = 0;

	if (kind->asks)
		rc = vhost_user_get_config(&device->user, virtio->config, virtio->config_size, err);
	if (!rc && kind->fill)
		kind->fill(virtio, &device->config->choice);
	return rc;
}

static int device_set_config(struct vhost_user_device *device, struct err *err)
{
	const struct vhost_user_kind *kind = device->config->kind;
	int rc;

	device->device.config_size = kind->config_size;
	rc = vhost_user_ask_config(device, &device->device, err);
	/* A kind that is not known may have none. */
	if (rc == -EINVAL && !kind->name) {
		device->device.config_size = 0;
		rc = 0;
	}
	return rc;
}

static int device_set_up(struct vhost_user_device *device, struct err *err)
{
	const struct vhost_user_kind *kind = device->config->kind;
	int rc;

	device->device.ops = &device_ops;
	device->device.id = kind->id;
	device->device.class_code = kind->class_code;
	device->device.queue_count = vhost_user_count_queues(kind, device->config->choice.queues);
	device->device.queue_size = DEVICE_QUEUE_SIZE;
	/* Servers may read a kick more often than one came. */
	device->device.polls = true;
	device->user.listens = kind->asks;
	rc = vhost_user_join(device, err);
	if (rc)
		return rc;
	device->patient = vhost_user_returns(device) && vhost_user_tracks(&device->user);
	device->needed = device_filter(device, device->user.features);
	/* What the note of requests says of one queue alone cannot be taken back. */
	device->device.features = device->needed | (device->patient ? 0 : feature_ring_reset);
	return device_set_config(device, err);
}

struct virtio_device *vhost_user_create(const struct vhost_user_config *config, unsigned int index,
					struct err *err)
{
	struct vhost_user_device *device = calloc(1, sizeof(*device));

	if (!device) {
		err_set(err, -ENOMEM, "--vhost-user: out of memory");
		return NULL;
	}
	snprintf(device->device.name, sizeof(device->device.name), "vhost-user%u", index);
	device->config = config;
	device->again_ms = DEVICE_AGAIN_MS;
	device->user_id = (uid_t)-1;
	device->user.backend = -1;
	device->user.fd = device->inflight.fd = device->command = device->heard = -1;
	for (unsigned int i = 0; i < VIRTIO_QUEUES_MAX; i++)
		device->calls[i] = -1;
	pthread_mutex_init(&device->lock, NULL);
	pthread_cond_init(&device->changed, NULL);
	if (!device_set_up(device, err))
		return &device->device;
	if (config->server)
		err_prefix(err, "%s", config->server);
	else if (config->path)
		err_prefix(err, "--vhost-user: socket=%s", config->path);
	else
		err_prefix(err, "--vhost-user: fd=%d", config->fd);
	device_destroy(&device->device);
	return NULL;
}
