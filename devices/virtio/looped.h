/* SPDX-License-Identifier: BSD-3-Clause */
/* A device in the monitor without a thread: the main loop serves its queues. */

#ifndef FERRY_DEVICES_VIRTIO_LOOPED_H
#define FERRY_DEVICES_VIRTIO_LOOPED_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio/device.h"

/*
 *   guest's kick --> KVM --> eventfd --> the main loop --> take, work, give
 *                                                                     |
 *   guest's call <-- irqfd <-- eventfd <------------------------------+
 *
 * For what takes no time. All that is done to a chain is done at once, with the lock held: nothing
 * is in flight when a stop or a pause asks for it. A chain that cannot be finished is kept, and not
 * looked at before the device is poked.
 */
enum {
	LOOPED_QUEUES_MAX = 2,
	LOOPED_TURN = 16, /* chains of a queue at once; then the loop's others have their turn */
};

/* The chain that a queue is at. */
struct looped_chain {
	struct virtio_chain chain;
	uint64_t done;    /* bytes so far: the device's own, 0 at first */
	uint32_t written; /* bytes of its buffers, likewise */
};

enum looped_state { LOOPED_LATER, LOOPED_DONE };

struct virtio_looped;

/* What the device makes of chains. Its lock held. */
struct looped_ops {
	/*
	 * Goes on with @chain: LOOPED_DONE gives it back; LOOPED_LATER asks again once the queue is
	 * poked. A negative errno with @err when it is not what a driver may send, or the device
	 * can do no more. Never waits, and does no more than takes a moment. Main thread.
	 */
	int (*work)(struct virtio_looped *looped, unsigned int queue, struct looped_chain *chain,
		    struct err *err);
	/* Frees itself, after looped_end(). Without the lock. */
	void (*destroy)(struct virtio_looped *looped);
};

struct looped_queue {
	struct virtio_looped *looped;
	unsigned int index;
	struct virtio_queue ring;
	bool on;      /* served */
	bool holds;   /* `at` is taken and not given back */
	bool given;   /* since the last call */
	bool watched; /* its kick is in the loop */
	struct looped_chain at;
	struct iovec iov[VIRTIO_IOV_MAX];
};

/* Embedded in its owner, who sets `device` but for its operations. `lock` guards all below it. */
struct virtio_looped {
	struct virtio_device device;
	const struct looped_ops *ops;
	struct virtio_attach attach;

	pthread_mutex_t lock;
	bool running, paused;
	bool broken; /* nothing is served until the next start */
	uint64_t features;
	struct looped_queue queues[LOOPED_QUEUES_MAX];
};

/* Gives the device the operations of one that the loop serves by @ops. */
void looped_init(struct virtio_looped *looped, const struct looped_ops *ops);

/* From any state after looped_init(). Main thread. */
void looped_end(struct virtio_looped *looped);

/* Has the loop look at @queue again, once it is attached. Any thread, any lock held. */
void looped_poke(struct virtio_looped *looped, unsigned int queue);

#endif
