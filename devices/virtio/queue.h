/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtqueue in guest memory, split or packed: chains that the driver offers, and those used. */

#ifndef FERRY_DEVICES_VIRTIO_QUEUE_H
#define FERRY_DEVICES_VIRTIO_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "memory/ram.h"
#include "vmm/base/err.h"

enum {
	VIRTIO_QUEUE_SIZE_MAX = 1024,
	/* Descriptors of a chain, of an indirect table too, whatever the queue's size. */
	VIRTIO_CHAIN_MAX = 1024,
	/* A buffer is several pieces where it crosses pieces of RAM. */
	VIRTIO_IOV_MAX = VIRTIO_CHAIN_MAX + RAM_PIECES_MAX,
};

/* Where the driver has put it (VIRTIO 1.2 2.7, 2.8), guest-physical. */
struct virtio_queue_place {
	uint16_t size; /* of a split one a power of two */
	uint64_t descriptors, driver, device;
};

/*
 * The device's side. No locks: one thread at a time. Everything that the guest has written is read
 * once and checked; what it writes meanwhile changes nothing that was checked.
 */
struct virtio_queue {
	const struct ram *ram;
	uint16_t size;
	bool packed, event_index, indirect; /* negotiated */
	uint8_t *descriptors; /* in RAM, which is mapped as long as the machine is there */
	const uint8_t *driver;
	uint8_t *device;
	uint16_t next_avail, next_used; /* of a packed one places in its ring */
	union {
		struct {
			/* next_used as the driver was last asked whether it wants a call */
			uint16_t called;
			bool ever_called;
		};
		/* A packed one. */
		struct {
			bool avail_wrap, used_wrap;
			uint16_t out;   /* descriptors that the device has */
			uint32_t given; /* since the driver was last asked */
		};
	};
};

/* A chain that the driver offers. */
struct virtio_chain {
	uint16_t head; /* by which it is given back; of a packed queue the driver's number for it */
	uint16_t span; /* descriptors of a packed queue that it takes */
	/* What the device reads, then what it writes: host memory, none of them empty. */
	struct iovec *iov; /* the caller's, VIRTIO_IOV_MAX of them */
	unsigned int out_count, in_count;
	uint64_t out_size, in_size; /* bytes; both together below 4 GiB */
};

/*
 * Where both sides are; of a split queue they count to 65535 and on from 0 (VIRTIO 1.2 2.7.6,
 * 2.7.8). Of a packed one `taken` and `given` are places in its ring.
 */
struct virtio_queue_state {
	bool packed;
	uint16_t offered, taken, given;
	uint64_t kicks; /* since the queue began; 0 where they are not counted */
};

/*
 * Takes the queue at @place over, at its beginning. -EINVAL or -EFAULT with @err when it is none,
 * is not aligned, or does not lie in one piece of @ram each.
 */
int virtio_queue_start(struct virtio_queue *queue, const struct ram *ram,
		       const struct virtio_queue_place *place, uint64_t features,
		       struct err *err) FERRY_MUST_CHECK;

/*
 * Takes the next chain: 1, or 0 when there is none. -EBADMSG with @err when the driver has broken
 * the rules; then the queue is of no more use until it is started anew.
 */
int virtio_queue_take(struct virtio_queue *queue, struct virtio_chain *chain,
		      struct err *err) FERRY_MUST_CHECK;

/* Gives @chain back, of whose buffers @written bytes were written. */
void virtio_queue_give(struct virtio_queue *queue, const struct virtio_chain *chain,
		       uint32_t written);

/* Whether the driver wants to be told of what was given since the last question. */
bool virtio_queue_wants_call(struct virtio_queue *queue);

/* Fills @state but for the kicks. */
void virtio_queue_look(const struct virtio_queue *queue, struct virtio_queue_state *state);

/* Has the driver not kick for now: a wish. */
void virtio_queue_silence(struct virtio_queue *queue);

/* Has it kick for the next chain; true when one has come before it could know. */
bool virtio_queue_listen(struct virtio_queue *queue);

#endif
