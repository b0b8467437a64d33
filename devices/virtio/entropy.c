/* SPDX-License-Identifier: BSD-3-Clause */
/* A source of random bytes (VIRTIO 1.2 5.4), which are the host's kernel's. */

#include "devices/virtio/entropy.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/virtio/looped.h"
#include "vmm/base/bits.h"
#include "vmm/base/random.h"

enum {
	ENTROPY_CLASS = 0xff0000, /* none of those that have a number */
	ENTROPY_PIECE = 256,      /* what is had at once */
};

/* Fills @size bytes of @buffer, in guest memory, which the kernel writes to itself. */
static int entropy_fill(const struct iovec *buffer, size_t size, struct err *err)
{
	uint8_t *at = buffer->iov_base;

	for (size_t done = 0, part; done < size; done += part) {
		part = size - done < ENTROPY_PIECE ? size - done : ENTROPY_PIECE;
		if (!random_fill(at + done, part))
			return err_set(err, -EIO, "the host gives no random bytes");
	}
	return 0;
}

/* VIRTIO 1.2 5.4.6: buffers to write alone, of which some bytes are enough. */
static int entropy_work(struct virtio_looped *looped, unsigned int queue,
			struct looped_chain *chain, struct err *err)
{
	const struct virtio_chain *buffers = &chain->chain;

	(void)looped;
	(void)queue;
	if (buffers->out_count)
		return err_set(err, -EBADMSG, "a buffer to read, of which there are none here");
	for (unsigned int i = 0; i < buffers->in_count && chain->done < ENTROPY_MOST; i++) {
		size_t room = ENTROPY_MOST - chain->done, size = buffers->iov[i].iov_len;
		int rc = entropy_fill(&buffers->iov[i], size < room ? size : room, err);

		if (rc)
			return rc;
		chain->done += size < room ? size : room;
	}
	chain->written = (uint32_t)chain->done;
	return LOOPED_DONE;
}

static void entropy_destroy(struct virtio_looped *looped)
{
	looped_end(looped);
	free(looped);
}

static const struct looped_ops entropy_ops = {.work = entropy_work, .destroy = entropy_destroy};

struct virtio_device *entropy_create(struct err *err)
{
	struct virtio_looped *looped = calloc(1, sizeof(*looped));

	if (!looped) {
		err_set(err, -ENOMEM, "rng: out of memory");
		return NULL;
	}
	looped->device = (struct virtio_device){
		.name = "rng",
		.id = VIRTIO_ID_RNG,
		.class_code = ENTROPY_CLASS,
		.features = VIRTIO_FEATURES_QUEUES,
		.queue_count = 1,
		.queue_size = 64,
	};
	looped_init(looped, &entropy_ops);
	return &looped->device;
}
