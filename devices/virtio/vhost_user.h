/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection to a vhost-user server: what is asked of it, and what it answers. */

#ifndef FERRY_DEVICES_VIRTIO_VHOST_USER_H
#define FERRY_DEVICES_VIRTIO_VHOST_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/queue.h"
#include "memory/ram.h"
#include "vmm/base/err.h"

enum {
	VHOST_USER_WAIT_MS = 5000,  /* for each answer */
	VHOST_USER_STOP_MS = 10000, /* for a stop's: what is under way is done first */
	VHOST_USER_CONFIG_MAX = 256,
};

/* What may be readable while an answer is waited for. */
struct vhost_user_watch {
	int fd;
	void (*heard)(void *owner); /* NULL: there is none */
	void *owner;
};

/*
 * One thread at a time. All functions wait, each for VHOST_USER_WAIT_MS at most; whatever fails is
 * said in @err without the device's name, and the connection is of no more use then.
 */
struct vhost_user {
	int fd;            /* negative: none */
	uint64_t features; /* VIRTIO's, that the server offers */
	uint64_t protocol; /* vhost-user's, that both have */
	bool extended;     /* the server has heard of those at all */
	unsigned int queues;
	bool listens; /* to what the server says of its own: that the configuration is another */
	bool changed; /* it has said so; whoever looks clears it */
	int backend;  /* where it does; negative: nowhere */
	int64_t patience_ms; /* for each answer; 0: VHOST_USER_WAIT_MS and VHOST_USER_STOP_MS */
	struct vhost_user_watch watch;
};

/* Where requests that are under way are noted, for who comes after a server; fd negative: none. */
struct vhost_user_inflight {
	int fd;
	uint64_t size, offset;
	uint16_t queues, queue_size;
};

/* A queue as a server is to have it. */
struct vhost_user_queue {
	unsigned int index;
	struct virtio_queue_place place;
	uint16_t base; /* the next entry of the driver's ring */
	int kick, call;
};

/*
 * Takes @fd, a connected stream, over and learns what is at its other end. `watch`, `listens` and
 * `patience_ms` are set, or zero. A negative errno with @err, and the connection is closed.
 */
int vhost_user_open(struct vhost_user *user, int fd, struct err *err) FERRY_MUST_CHECK;
void vhost_user_close(struct vhost_user *user);

/* Something has come that nobody asked for: always a negative errno with @err, whatever it was. */
int vhost_user_hear(struct vhost_user *user, struct err *err) FERRY_MUST_CHECK;

/*
 * Takes what has come at `backend`, which may set `changed`. A negative errno with @err when it is
 * what no server may say.
 */
int vhost_user_hear_backend(struct vhost_user *user, struct err *err) FERRY_MUST_CHECK;

/* The first @size bytes of the device's configuration. -EINVAL: the server has none such. */
int vhost_user_get_config(struct vhost_user *user, void *config, uint32_t size,
			  struct err *err) FERRY_MUST_CHECK;

/* The features that the driver took. */
int vhost_user_set_features(struct vhost_user *user, uint64_t features,
			    struct err *err) FERRY_MUST_CHECK;

/* All of @ram, which is shared. */
int vhost_user_set_memory(struct vhost_user *user, const struct ram *ram,
			  struct err *err) FERRY_MUST_CHECK;

/* Has the server make one for so many queues of @queue_size, or use that of one before it. */
int vhost_user_get_inflight(struct vhost_user *user, unsigned int queues, uint16_t queue_size,
			    struct vhost_user_inflight *inflight, struct err *err) FERRY_MUST_CHECK;
int vhost_user_set_inflight(struct vhost_user *user, const struct vhost_user_inflight *inflight,
			    struct err *err) FERRY_MUST_CHECK;
/* Whether it does so at all. */
bool vhost_user_tracks(const struct vhost_user *user);

/* From the first message on it may use the queue. */
int vhost_user_start_queue(struct vhost_user *user, const struct vhost_user_queue *queue,
			   struct err *err) FERRY_MUST_CHECK;

/* How long a stop of all queues may take, in milliseconds. */
int64_t vhost_user_stop_patience(const struct vhost_user *user);

/*
 * What is under way is done by its end; *@base is the next entry of the driver's ring. To be over
 * by @until (clock_now_ms()), which is that of all queues which stop together; 0: in its own time.
 */
int vhost_user_stop_queue(struct vhost_user *user, unsigned int index, int64_t until,
			  uint16_t *base, struct err *err) FERRY_MUST_CHECK;

/* The driver begins anew; all queues are stopped. Nothing to do for a server without it. */
int vhost_user_reset(struct vhost_user *user, struct err *err) FERRY_MUST_CHECK;

#endif
