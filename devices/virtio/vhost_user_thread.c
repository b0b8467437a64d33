/* SPDX-License-Identifier: BSD-3-Clause */
/* The thread that talks to a vhost-user server: it makes so what is wanted, and passes calls on. */

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "devices/virtio/vhost_user_device_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"

/*
 * The server's calls become the guest's interrupts. All of that is here, so that KVM may be given
 * the eventfds in this process's place. They are the server's too, who may make them block at a
 * read: each write shows once, and they are not read.
 */
static void thread_pass_calls(void *owner)
{
	struct vhost_user_device *device = owner;
	struct epoll_event events[VIRTIO_QUEUES_MAX];
	int count = epoll_wait(device->heard, events, VIRTIO_QUEUES_MAX, 0);

	for (int i = 0; i < count; i++)
		device->attach.transport->call(device->attach.owner, events[i].data.u32);
}

/*
 * Likewise: one that would block has been kicked. A server that has it block all the same, between
 * the two calls, holds this thread up until somebody wants it, see vhost_user_nudge().
 */
static void thread_kick_queue(struct vhost_user_device *device, unsigned int queue)
{
	struct pollfd kick = {device->attach.kicks[queue], POLLOUT, 0};
	const uint64_t one = 1;

	if (poll(&kick, 1, 0) == 1 && kick.revents == POLLOUT &&
	    write(kick.fd, &one, sizeof(one)) < 0)
		return;
}

/* What follows has the lock held. */

static bool thread_is_wanted(const struct vhost_user_device *device, unsigned int queue)
{
	return device->running && !device->paused && !device->ending && !device->broken &&
	       device->rings[queue].on;
}

/* One that accepts and fails again and again is had once in a while. */
static bool thread_may_try(const struct vhost_user_device *device)
{
	return device->user.fd >= 0 || clock_now_ms() >= device->next_try;
}

/* One that is not as it is wanted; negative: all are. Those that are to stop come first. */
static int thread_find_work(const struct vhost_user_device *device)
{
	int found = -1;

	for (unsigned int i = device->device.queue_count; i-- > 0 && thread_may_try(device);)
		if (thread_is_wanted(device, i) && !device->rings[i].live)
			found = (int)i;
	for (unsigned int i = device->device.queue_count; i-- > 0;)
		if (!thread_is_wanted(device, i) && device->rings[i].live)
			found = (int)i;
	return found;
}

static void thread_break(struct vhost_user_device *device, const char *why)
{
	if (!device->running || device->broken)
		return;
	device->broken = true;
	if (!vhost_user_returns(device))
		atomic_store(&device->device.gone, true);
	device->attach.transport->broke(device->attach.owner, why);
}

/* The entry at which one goes on that was lost: what was not given back is the region's. */
static uint16_t thread_find_base(const struct vhost_user_device *device,
				 const struct vhost_user_ring *ring)
{
	const uint16_t *used = ram_host(device->attach.ram, ring->place.device, 4);

	/* Its place was checked when it was set. */
	assert(used);
	return ring->lost ? le16toh(__atomic_load_n(used + 1, __ATOMIC_SEQ_CST)) : ring->base;
}

/* Those that the driver kicked where KVM did not see it. */
static uint32_t thread_take_kicks(struct vhost_user_device *device)
{
	uint32_t kicks = 0;

	for (unsigned int i = 0; i < device->device.queue_count; i++)
		if (device->rings[i].live)
			kicks |= device->kicks & UINT32_C(1) << i;
	device->kicks = 0;
	return kicks;
}

/* What follows has not. */

static void thread_lose(struct vhost_user_device *device, const struct err *err)
{
	bool patient = device->patient, tell;

	vhost_user_close(&device->user);
	device->informed = false;
	pthread_mutex_lock(&device->lock);
	for (unsigned int i = 0; i < device->device.queue_count; i++) {
		device->rings[i].lost |= device->rings[i].live;
		device->rings[i].live = false;
	}
	/* The transport tells of one that the driver must reset. */
	tell = (patient || !device->running) && !device->told;
	if (!patient)
		thread_break(device, err->text);
	pthread_cond_broadcast(&device->changed);
	pthread_mutex_unlock(&device->lock);
	if (tell)
		log_guest(&device->limit, LOG_WARN, "%s: %s%s", device->device.name, err->text,
			  patient ? ": requests wait until it is there again" : "");
	device->told |= tell;
}

/* With memory, and a note of requests, before any queue. */
static int thread_inform(struct vhost_user_device *device, uint64_t features, bool fresh,
			 struct err *err)
{
	const struct virtio_device *virtio = &device->device;
	struct vhost_user *user = &device->user;
	int rc = fresh && device->informed ? vhost_user_reset(user, err) : 0;

	if (!rc)
		rc = vhost_user_set_features(user, features & device->needed, err);
	if (!rc && vhost_user_tracks(user) && (fresh || device->inflight.fd < 0)) {
		fd_close(&device->inflight.fd);
		rc = vhost_user_get_inflight(user, virtio->queue_count, virtio->queue_size,
					     &device->inflight, err);
	}
	if (!rc && vhost_user_tracks(user))
		rc = vhost_user_set_inflight(user, &device->inflight, err);
	if (!rc && !device->informed)
		rc = vhost_user_set_memory(user, device->attach.ram, err);
	device->informed = !rc;
	return rc;
}

/* A kick that the server before has heard is not there any more. */
static int thread_start_ring(struct vhost_user_device *device, unsigned int index,
			     const struct vhost_user_ring *ring, struct err *err)
{
	const struct vhost_user_queue queue = {
		.index = index,
		.place = ring->place,
		.base = ring->base,
		.kick = device->attach.kicks[index],
		.call = device->calls[index],
	};
	int rc = vhost_user_start_queue(&device->user, &queue, err);

	if (!rc)
		thread_kick_queue(device, index);
	return rc;
}

/* What the driver before this one had in flight is the next server's as little as this one's. */
static void thread_keep_fresh(struct vhost_user_device *device)
{
	pthread_mutex_lock(&device->lock);
	device->fresh = true;
	pthread_mutex_unlock(&device->lock);
}

static void thread_tell_back(struct vhost_user_device *device)
{
	if (device->told)
		log_guest(&device->limit, LOG_WARN, "%s: its server is there again",
			  device->device.name);
	device->told = false;
}

static int thread_serve(struct vhost_user_device *device, unsigned int index, struct err *err)
{
	struct vhost_user_ring *ring = &device->rings[index], now;
	uint64_t features;
	bool fresh;
	int rc = 0;

	pthread_mutex_lock(&device->lock);
	/* The driver may have had it back while a server was looked for. */
	if (!thread_is_wanted(device, index)) {
		pthread_mutex_unlock(&device->lock);
		return 0;
	}
	ring->base = thread_find_base(device, ring);
	ring->lost = false;
	ring->live = true;
	now = *ring;
	features = device->features;
	fresh = device->fresh;
	device->fresh = false;
	pthread_mutex_unlock(&device->lock);
	if (fresh || !device->informed)
		rc = thread_inform(device, features, fresh, err);
	if (rc && fresh)
		thread_keep_fresh(device);
	if (!rc)
		rc = thread_start_ring(device, index, &now, err);
	if (!rc)
		thread_tell_back(device);
	return rc;
}

static int thread_withdraw(struct vhost_user_device *device, unsigned int index, struct err *err)
{
	uint16_t base;
	int rc;

	if (!device->stop_by)
		device->stop_by = clock_now_ms() + vhost_user_stop_patience(&device->user);
	rc = vhost_user_stop_queue(&device->user, index, device->stop_by, &base, err);
	if (rc)
		return rc;
	/* What it has given back last it may have called for. */
	thread_pass_calls(device);
	pthread_mutex_lock(&device->lock);
	device->rings[index].live = false;
	device->rings[index].base = base;
	pthread_cond_broadcast(&device->changed);
	pthread_mutex_unlock(&device->lock);
	return 0;
}

/* What the server is now; the guest is told of it. */
static int thread_take_config(struct vhost_user_device *device, struct err *err)
{
	struct virtio_device next = {
		.queue_count = device->device.queue_count,
		.config_size = device->device.config_size,
	};
	const struct virtio_attach *attach = &device->attach;
	int rc;

	device->user.changed = false;
	if (!next.config_size)
		return 0;
	rc = vhost_user_ask_config(device, &next, err);
	if (rc)
		return rc;
	pthread_mutex_lock(&device->lock);
	attach->transport->configure(attach->owner, next.config, device->running);
	pthread_mutex_unlock(&device->lock);
	return 0;
}

/* 0 once the server is there, or a negative errno with @err. */
static int thread_join_again(struct vhost_user_device *device, struct err *err)
{
	int rc;

	device->next_try = clock_now_ms() + device->again_ms;
	if (!vhost_user_returns(device))
		return err_set(err, -ENOTCONN, "its server has ended");
	rc = vhost_user_join(device, err);
	return rc ? rc : thread_take_config(device, err);
}

/* Whether there is more to do at once. */
static bool thread_work(struct vhost_user_device *device, unsigned int index, bool live)
{
	struct err err = {0};
	int rc = 0;

	if (device->user.fd < 0 && thread_join_again(device, &err)) {
		thread_lose(device, &err);
		return false;
	}
	rc = live ? thread_withdraw(device, index, &err) : thread_serve(device, index, &err);
	if (rc)
		thread_lose(device, &err);
	return true;
}

/* It has said that it is another, and may say so again before it has answered: once in a turn. */
static void thread_renew_config(struct vhost_user_device *device)
{
	struct err err = {0};

	if (device->user.fd >= 0 && device->user.changed && thread_take_config(device, &err))
		thread_lose(device, &err);
}

bool vhost_user_turn(struct vhost_user_device *device)
{
	bool more = true, tell, on;
	uint32_t kicks;

	while (more) {
		bool live;
		int index;

		pthread_mutex_lock(&device->lock);
		index = thread_find_work(device);
		live = index >= 0 && device->rings[index].live;
		pthread_mutex_unlock(&device->lock);
		if (!live)
			device->stop_by = 0;
		more = index >= 0 && thread_work(device, (unsigned int)index, live);
	}
	pthread_mutex_lock(&device->lock);
	/* Also one that goes on: whoever waits for it asks again. */
	tell = device->awaited &&
	       (vhost_user_is_quiet(device) || (device->running && !device->paused));
	if (tell)
		device->awaited = false;
	on = !device->ending || !vhost_user_is_quiet(device);
	kicks = thread_take_kicks(device);
	pthread_mutex_unlock(&device->lock);
	for (unsigned int i = 0; i < device->device.queue_count; i++)
		if (kicks >> i & 1)
			thread_kick_queue(device, i);
	if (tell)
		device->attach.transport->quiet(device->attach.owner);
	/* Last: the server may take its time, and nobody else is to wait for that. */
	if (on)
		thread_renew_config(device);
	return on;
}

/* How long poll(2) may wait: for ever, unless a server is looked for or is another once more. */
static int thread_patience(struct vhost_user_device *device)
{
	int64_t left = device->next_try - clock_now_ms();
	bool looks = false;

	if (device->user.fd >= 0 && device->user.changed)
		return 0;
	pthread_mutex_lock(&device->lock);
	for (unsigned int i = 0; i < device->device.queue_count; i++)
		looks |= thread_is_wanted(device, i) && !device->rings[i].live;
	pthread_mutex_unlock(&device->lock);
	if (!looks)
		return -1;
	return left > 1 ? (int)left : 1;
}

static void thread_wait(struct vhost_user_device *device)
{
	struct pollfd polled[] = {
		{device->command, POLLIN, 0},
		{device->heard, POLLIN, 0},
		{device->user.fd, POLLIN, 0}, /* one that is negative is left out */
		{device->user.backend, POLLIN, 0},
	};
	struct err err = {0};

	if (poll(polled, ARRAY_SIZE(polled), thread_patience(device)) < 0)
		return;
	fd_take(device->command);
	if (polled[1].revents)
		thread_pass_calls(device);
	if (polled[3].revents && vhost_user_hear_backend(&device->user, &err))
		thread_lose(device, &err);
	else if (polled[2].revents && vhost_user_hear(&device->user, &err))
		thread_lose(device, &err);
}

static void *thread_main(void *argument)
{
	struct vhost_user_device *device = argument;

	atomic_store(&device->number, thread_number());
	while (vhost_user_turn(device))
		thread_wait(device);
	return NULL;
}

int vhost_user_begin(struct vhost_user_device *device, const char *name, struct err *err)
{
	const struct thread_place place = {.name = name};
	int rc;

	device->user.watch = (struct vhost_user_watch){
		.fd = device->heard,
		.heard = thread_pass_calls,
		.owner = device,
	};
	thread_hear_kicks();
	rc = thread_create_at(&device->thread, THREAD_VHOST, &place, thread_main, device);
	if (rc)
		return err_set(err, rc, "%s: its thread: %s", name, err_text(rc));
	device->started = true;
	return 0;
}

void vhost_user_nudge(struct vhost_user_device *device)
{
	thread_kick(atomic_load(&device->number));
}

void vhost_user_end(struct vhost_user_device *device)
{
	struct timespec until;

	if (!device->started)
		return;
	pthread_mutex_lock(&device->lock);
	device->ending = true;
	pthread_mutex_unlock(&device->lock);
	fd_signal(device->command);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	while (pthread_timedjoin_np(device->thread, NULL, &until) == ETIMEDOUT) {
		vhost_user_nudge(device);
		until.tv_sec++;
	}
	device->started = false;
}
