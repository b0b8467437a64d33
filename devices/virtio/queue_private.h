/* SPDX-License-Identifier: BSD-3-Clause */
/* What split and packed queues have in common. */

#ifndef FERRY_DEVICES_VIRTIO_QUEUE_PRIVATE_H
#define FERRY_DEVICES_VIRTIO_QUEUE_PRIVATE_H

#include <endian.h>

#include "devices/virtio/queue.h"

/*
 * One whole load or store, which the guest's other processors may be at as well. A load is not done
 * before a queue_store_first().
 */
static inline uint16_t queue_load(const uint8_t *at)
{
	return le16toh(__atomic_load_n((const uint16_t *)at, __ATOMIC_SEQ_CST));
}

static inline void queue_store_first(uint8_t *at, uint16_t value)
{
	__atomic_store_n((uint16_t *)at, htole16(value), __ATOMIC_SEQ_CST);
}

static inline void queue_store(uint8_t *at, uint16_t value)
{
	__atomic_store_n((uint16_t *)at, htole16(value), __ATOMIC_RELEASE);
}

/* Where @what, of @size bytes at @gpa, is in host memory; -EINVAL or -EFAULT with @err. */
int queue_find(const struct virtio_queue *queue, const char *what, uint64_t gpa, uint64_t size,
	       uint64_t alignment, uint8_t **host, struct err *err) FERRY_MUST_CHECK;

/* A buffer that a descriptor names, which was read once. */
struct queue_buffer {
	uint64_t gpa;
	uint32_t size;
	bool writes;
};

/*
 * Adds it to @chain; *@writes: whether one to write has come, false at first. -EBADMSG with @err.
 */
int queue_add_buffer(const struct virtio_queue *queue, struct virtio_chain *chain,
		     const struct queue_buffer *buffer, bool *writes,
		     struct err *err) FERRY_MUST_CHECK;

/* A table of descriptors. */
struct queue_table {
	uint64_t gpa;
	uint32_t count;
};

/* Whether there may be one at @buffer; -EBADMSG with @err. */
int queue_check_table(const struct queue_buffer *buffer, struct queue_table *table,
		      struct err *err) FERRY_MUST_CHECK;

/* Reads the 16 bytes of descriptor @index. Likewise. */
int queue_read_table(const struct virtio_queue *queue, const struct queue_table *table,
		     uint32_t index, void *descriptor, struct err *err) FERRY_MUST_CHECK;

/* queue_packed.c: as the functions without `packed` in their names, of a packed queue. */
int queue_packed_start(struct virtio_queue *queue, const struct virtio_queue_place *place,
		       struct err *err) FERRY_MUST_CHECK;
int queue_packed_take(struct virtio_queue *queue, struct virtio_chain *chain,
		      struct err *err) FERRY_MUST_CHECK;
void queue_packed_give(struct virtio_queue *queue, const struct virtio_chain *chain,
		       uint32_t written);
bool queue_packed_wants_call(struct virtio_queue *queue);
void queue_packed_silence(struct virtio_queue *queue);
bool queue_packed_listen(struct virtio_queue *queue);

#endif
