/* SPDX-License-Identifier: BSD-3-Clause */
/* A packed virtqueue (VIRTIO 1.2 2.8): one ring of descriptors, which both sides write to. */

#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "devices/virtio/queue_private.h"
#include "vmm/base/bits.h"

/* Of a descriptor and of an event suppression structure (VIRTIO 1.2 2.8.13, 2.8.14). */
enum {
	PACKED_DESCRIPTOR_SIZE = sizeof(struct vring_packed_desc),
	PACKED_FLAGS = offsetof(struct vring_packed_desc, flags),
	PACKED_AVAIL = 1 << VRING_PACKED_DESC_F_AVAIL,
	PACKED_USED = 1 << VRING_PACKED_DESC_F_USED,
	PACKED_EVENT_PLACE = offsetof(struct vring_packed_desc_event, off_wrap),
	PACKED_EVENT_FLAGS = offsetof(struct vring_packed_desc_event, flags),
	PACKED_EVENT_SIZE = sizeof(struct vring_packed_desc_event),
	PACKED_WRAP = 1 << VRING_PACKED_EVENT_F_WRAP_CTR,
};

int queue_packed_start(struct virtio_queue *queue, const struct virtio_queue_place *place,
		       struct err *err)
{
	uint8_t *driver = NULL;
	int rc;

	if (!place->size || place->size > VIRTIO_QUEUE_SIZE_MAX)
		return err_set(err, -EINVAL, "its size of %u is none", place->size);
	rc = queue_find(queue, "descriptor ring", place->descriptors,
			(uint64_t)place->size * PACKED_DESCRIPTOR_SIZE, 16, &queue->descriptors,
			err);
	if (!rc)
		rc = queue_find(queue, "driver area", place->driver, PACKED_EVENT_SIZE, 4, &driver,
				err);
	if (!rc)
		rc = queue_find(queue, "device area", place->device, PACKED_EVENT_SIZE, 4,
				&queue->device, err);
	queue->driver = driver;
	queue->avail_wrap = queue->used_wrap = true;
	return rc;
}

static uint8_t *packed_descriptor(const struct virtio_queue *queue, unsigned int place)
{
	return queue->descriptors + place * PACKED_DESCRIPTOR_SIZE;
}

/* The flags of the next one, and whether it is offered (VIRTIO 1.2 2.8.1). */
static bool packed_is_offered(const struct virtio_queue *queue, uint16_t *flags)
{
	*flags = queue_load(packed_descriptor(queue, queue->next_avail) + PACKED_FLAGS);
	return !!(*flags & PACKED_AVAIL) == queue->avail_wrap &&
	       !!(*flags & PACKED_USED) != queue->avail_wrap;
}

/* A walk along one chain. */
struct packed_walk {
	const struct virtio_queue *queue;
	struct virtio_chain *chain;
	bool writes;
};

static int packed_add(struct packed_walk *walk, const struct vring_packed_desc *descriptor,
		      uint16_t flags, struct err *err)
{
	const struct queue_buffer buffer = {
		.gpa = le64toh(descriptor->addr),
		.size = le32toh(descriptor->len),
		.writes = flags & VRING_DESC_F_WRITE,
	};

	return queue_add_buffer(walk->queue, walk->chain, &buffer, &walk->writes, err);
}

/* VIRTIO 1.2 2.8.7: all of a table's descriptors, one behind the other. */
static int packed_walk_table(struct packed_walk *walk, const struct vring_packed_desc *descriptor,
			     struct err *err)
{
	const struct queue_buffer buffer = {
		.gpa = le64toh(descriptor->addr),
		.size = le32toh(descriptor->len),
	};
	struct queue_table table;
	int rc = queue_check_table(&buffer, &table, err);

	if (rc)
		return rc;
	if (table.count > VIRTIO_CHAIN_MAX)
		return err_set(err, -EBADMSG, "a chain of more than %d descriptors",
			       VIRTIO_CHAIN_MAX);
	for (uint32_t i = 0; i < table.count && !rc; i++) {
		struct vring_packed_desc entry;

		rc = queue_read_table(walk->queue, &table, i, &entry, err);
		if (!rc)
			rc = packed_add(walk, &entry, le16toh(entry.flags), err);
	}
	return rc;
}

/* Those behind the first were there before it was offered. */
static int packed_walk_ring(struct packed_walk *walk, uint16_t flags, struct err *err)
{
	const struct virtio_queue *queue = walk->queue;
	unsigned int place = queue->next_avail;
	int rc = 0;

	for (;;) {
		struct vring_packed_desc descriptor;

		memcpy(&descriptor, packed_descriptor(queue, place), sizeof(descriptor));
		if (walk->chain->span++)
			flags = le16toh(descriptor.flags);
		walk->chain->head = le16toh(descriptor.id);
		if (flags & VRING_DESC_F_INDIRECT)
			return queue->indirect && walk->chain->span == 1 &&
					       !(flags & VRING_DESC_F_NEXT)
				       ? packed_walk_table(walk, &descriptor, err)
				       : err_set(err, -EBADMSG,
						 "an indirect descriptor where there may be none");
		rc = packed_add(walk, &descriptor, flags, err);
		if (rc || !(flags & VRING_DESC_F_NEXT))
			return rc;
		if (walk->chain->span == queue->size - queue->out)
			return err_set(err, -EBADMSG,
				       "a chain of more than the %u descriptors "
				       "that are not in use",
				       walk->chain->span);
		place = place + 1U == queue->size ? 0 : place + 1;
	}
}

int queue_packed_take(struct virtio_queue *queue, struct virtio_chain *chain, struct err *err)
{
	struct packed_walk walk = {.queue = queue, .chain = chain};
	unsigned int next;
	uint16_t flags;
	int rc;

	if (!packed_is_offered(queue, &flags))
		return 0;
	if (queue->out == queue->size)
		return err_set(err, -EBADMSG, "more offered than its %u descriptors", queue->size);
	*chain = (struct virtio_chain){.iov = chain->iov};
	rc = packed_walk_ring(&walk, flags, err);
	if (rc)
		return rc;
	next = queue->next_avail + (unsigned int)chain->span;
	if (next >= queue->size) {
		next -= queue->size;
		queue->avail_wrap = !queue->avail_wrap;
	}
	queue->next_avail = (uint16_t)next;
	queue->out = (uint16_t)(queue->out + chain->span);
	return 1;
}

void queue_packed_give(struct virtio_queue *queue, const struct virtio_chain *chain,
		       uint32_t written)
{
	uint8_t *at = packed_descriptor(queue, queue->next_used);
	unsigned int next = queue->next_used + (unsigned int)chain->span;
	unsigned int flags = queue->used_wrap ? PACKED_AVAIL | PACKED_USED : 0;

	store_le32(at + offsetof(struct vring_packed_desc, len), written);
	store_le16(at + offsetof(struct vring_packed_desc, id), chain->head);
	/* Before it is asked whether it wants a call the driver may look at this. */
	queue_store_first(at + PACKED_FLAGS,
			  (uint16_t)(written ? flags | VRING_DESC_F_WRITE : flags));
	if (next >= queue->size) {
		next -= queue->size;
		queue->used_wrap = !queue->used_wrap;
	}
	queue->next_used = (uint16_t)next;
	queue->out = (uint16_t)(queue->out - chain->span);
	queue->given += chain->span;
}

/* Whether the place that the driver waits for is among the last @given that were used. */
static bool packed_event_is_passed(const struct virtio_queue *queue, uint32_t given)
{
	uint16_t event = queue_load(queue->driver + PACKED_EVENT_PLACE);
	int from = event & ~PACKED_WRAP, passed;

	if (!!(event & PACKED_WRAP) != queue->used_wrap)
		from -= queue->size;
	passed = queue->next_used - from;
	return given >= queue->size || (passed > 0 && (uint32_t)passed <= given);
}

bool queue_packed_wants_call(struct virtio_queue *queue)
{
	uint32_t given = queue->given;
	uint16_t flags;

	if (!given)
		return false;
	queue->given = 0;
	flags = queue_load(queue->driver + PACKED_EVENT_FLAGS) & 3;
	if (flags == VRING_PACKED_EVENT_FLAG_DESC && queue->event_index)
		return packed_event_is_passed(queue, given);
	return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
}

void queue_packed_silence(struct virtio_queue *queue)
{
	queue_store(queue->device + PACKED_EVENT_FLAGS, VRING_PACKED_EVENT_FLAG_DISABLE);
}

bool queue_packed_listen(struct virtio_queue *queue)
{
	uint16_t place = queue->next_avail, flags;

	if (queue->avail_wrap)
		place |= PACKED_WRAP;
	if (queue->event_index)
		queue_store(queue->device + PACKED_EVENT_PLACE, place);
	queue_store_first(queue->device + PACKED_EVENT_FLAGS,
			  queue->event_index ? VRING_PACKED_EVENT_FLAG_DESC
					     : VRING_PACKED_EVENT_FLAG_ENABLE);
	return packed_is_offered(queue, &flags);
}
