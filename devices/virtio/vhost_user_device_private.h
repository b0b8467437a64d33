/* SPDX-License-Identifier: BSD-3-Clause */
/* A vhost-user device as its sources share it. */

#ifndef FERRY_DEVICES_VIRTIO_VHOST_USER_DEVICE_PRIVATE_H
#define FERRY_DEVICES_VIRTIO_VHOST_USER_DEVICE_PRIVATE_H

#include <pthread.h>
#include <sys/types.h>

#include "devices/virtio/vhost_user.h"
#include "devices/virtio/vhost_user_device.h"
#include "vmm/base/log.h"

/*
 *   guest's kick --> KVM --> eventfd --> the server, which reads and writes guest memory
 *
 *   guest's call <-- KVM <-- eventfd <-- the thread <-- eventfd <-- the server
 *
 *   start, stop, pause (any thread) --> what is wanted --> the thread --> messages --> the server
 *
 * What is wanted of a queue is that it is served, or not. The thread makes it so, by one message
 * and answer after another; nobody else waits for the server once the guest runs.
 */
struct vhost_user_ring {
	struct virtio_queue_place place;
	bool on;       /* of the driver's; its place is set */
	bool live;     /* the server may use it, from before it is told until it says otherwise */
	bool lost;     /* it was live when the server went */
	uint16_t base; /* the entry of the driver's ring at which it goes on */
};

/* `lock` guards all below it, and is let go while the thread talks or waits. */
struct vhost_user_device {
	struct virtio_device device;
	const struct vhost_user_config *config;
	uint64_t needed; /* features that a server must have */
	uid_t user_id;   /* whose server it is; -1: not known yet */
	bool patient;    /* a server that comes again goes on where the one before has ended */
	struct virtio_attach attach;
	int command; /* an eventfd: look at what is wanted */
	int calls[VIRTIO_QUEUES_MAX];
	int heard; /* an epoll of them */
	pthread_t thread;
	_Atomic pid_t number; /* of it; 0: not yet */
	bool started;

	/* The thread's; before it begins, the main one's. */
	struct vhost_user user;
	struct vhost_user_inflight inflight;
	bool informed; /* the server has features, memory and the region of requests */
	bool told;     /* that the server is gone */
	struct log_limit limit;
	int64_t next_try; /* not before that a server is looked for; clock_now_ms() */
	int again_ms;     /* between two looks */
	int64_t stop_by;  /* when all queues that are to stop have; 0: none is */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool running, paused, ending;
	bool fresh;     /* the driver has begun anew since the server was informed */
	bool broken;    /* nothing is served until the next start */
	bool awaited;   /* somebody is told when no queue is live */
	uint32_t kicks; /* of these queues, to be passed on */
	uint64_t features;
	struct vhost_user_ring rings[VIRTIO_QUEUES_MAX];
};

/* vhost_user_thread.c: the thread, named @name. Main thread. */
int vhost_user_begin(struct vhost_user_device *device, const char *name,
		     struct err *err) FERRY_MUST_CHECK;
/* Ends it, every queue being stopped first. Nothing to do where it has not begun. */
void vhost_user_end(struct vhost_user_device *device);

/* Has the system call that it stands in return. Any thread. */
void vhost_user_nudge(struct vhost_user_device *device);

/*
 * One turn of the thread: whatever is wanted now is so by its end, or the server is gone. Whether
 * the thread goes on. Nothing of the thread's need be there.
 */
bool vhost_user_turn(struct vhost_user_device *device);

/*
 * vhost_user_device.c: the configuration as it is now, of @virtio, whose size and queues are set.
 * -EINVAL with @err when the server has no such.
 */
int vhost_user_ask_config(struct vhost_user_device *device, struct virtio_device *virtio,
			  struct err *err) FERRY_MUST_CHECK;

/* Whether a server that has ended may be there again. */
static inline bool vhost_user_returns(const struct vhost_user_device *device)
{
	return device->config->path && !device->config->once;
}

/* vhost_user_device.c: connects, and checks that it is the device that the guest knows. */
int vhost_user_join(struct vhost_user_device *device, struct err *err) FERRY_MUST_CHECK;

/* Lock held: no queue is live. */
bool vhost_user_is_quiet(const struct vhost_user_device *device);

#endif
