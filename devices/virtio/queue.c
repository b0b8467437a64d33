/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtqueue in guest memory: what all have in common, and a split one (VIRTIO 1.2 2.7). */

#include "devices/virtio/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "devices/virtio/queue_private.h"
#include "vmm/base/bits.h"

/* VIRTIO 1.2 2.7.6 and 2.7.8: flags, index, a ring of entries, the other side's event. */
enum {
	RING_FLAGS = 0,
	RING_INDEX = 2,
	RING_ENTRIES = 4,
	AVAIL_ENTRY_SIZE = 2,
	USED_ENTRY_SIZE = 8,
	EVENT_SIZE = 2,
};

static const uint8_t *queue_used_event(const struct virtio_queue *queue)
{
	return queue->driver + RING_ENTRIES + AVAIL_ENTRY_SIZE * queue->size;
}

static uint8_t *queue_avail_event(const struct virtio_queue *queue)
{
	return queue->device + RING_ENTRIES + USED_ENTRY_SIZE * queue->size;
}

int queue_find(const struct virtio_queue *queue, const char *what, uint64_t gpa, uint64_t size,
	       uint64_t alignment, uint8_t **host, struct err *err)
{
	if (!is_aligned(gpa, alignment))
		return err_set(err, -EINVAL, "its %s at 0x%" PRIx64 " is not aligned to %" PRIu64,
			       what, gpa, alignment);
	*host = ram_host(queue->ram, gpa, size);
	return *host ? 0
		     : err_set(err, -EFAULT, "its %s at 0x%" PRIx64 " is not all memory", what,
			       gpa);
}

static int queue_start_split(struct virtio_queue *queue, const struct virtio_queue_place *place,
			     struct err *err)
{
	uint64_t size = place->size;
	uint8_t *driver = NULL;
	int rc;

	if (!is_power_of_2(size) || size > VIRTIO_QUEUE_SIZE_MAX)
		return err_set(err, -EINVAL, "its size of %" PRIu64 " is none", size);
	rc = queue_find(queue, "descriptor table", place->descriptors,
			size * sizeof(struct vring_desc), 16, &queue->descriptors, err);
	if (!rc)
		rc = queue_find(queue, "driver area", place->driver,
				RING_ENTRIES + AVAIL_ENTRY_SIZE * size + EVENT_SIZE, 2, &driver,
				err);
	if (!rc)
		rc = queue_find(queue, "device area", place->device,
				RING_ENTRIES + USED_ENTRY_SIZE * size + EVENT_SIZE, 4,
				&queue->device, err);
	queue->driver = driver;
	return rc;
}

int virtio_queue_start(struct virtio_queue *queue, const struct ram *ram,
		       const struct virtio_queue_place *place, uint64_t features, struct err *err)
{
	*queue = (struct virtio_queue){
		.ram = ram,
		.size = place->size,
		.packed = features >> VIRTIO_F_RING_PACKED & 1,
		.event_index = features >> VIRTIO_RING_F_EVENT_IDX & 1,
		.indirect = features >> VIRTIO_RING_F_INDIRECT_DESC & 1,
	};
	return queue->packed ? queue_packed_start(queue, place, err)
			     : queue_start_split(queue, place, err);
}

int queue_check_table(const struct queue_buffer *buffer, struct queue_table *table, struct err *err)
{
	if (buffer->size == 0 || buffer->size % sizeof(struct vring_desc) ||
	    buffer->gpa > UINT64_MAX - buffer->size)
		return err_set(err, -EBADMSG, "a table at 0x%" PRIx64 " of %u bytes", buffer->gpa,
			       buffer->size);
	table->gpa = buffer->gpa;
	table->count = buffer->size / (uint32_t)sizeof(struct vring_desc);
	return 0;
}

int queue_read_table(const struct virtio_queue *queue, const struct queue_table *table,
		     uint32_t index, void *descriptor, struct err *err)
{
	/* The table was checked not to wrap. */
	return ram_read(queue->ram, table->gpa + index * sizeof(struct vring_desc), descriptor,
			sizeof(struct vring_desc))
		       ? err_set(err, -EBADMSG, "a table at 0x%" PRIx64 " that is not all memory",
				 table->gpa)
		       : 0;
}

int queue_add_buffer(const struct virtio_queue *queue, struct virtio_chain *chain,
		     const struct queue_buffer *buffer, bool *writes, struct err *err)
{
	uint64_t gpa = buffer->gpa, left = buffer->size, part = 0;

	if (*writes && !buffer->writes)
		return err_set(err, -EBADMSG, "a buffer to read behind one to write");
	*writes = buffer->writes;
	*(buffer->writes ? &chain->in_size : &chain->out_size) += left;
	if (chain->in_size + chain->out_size > UINT32_MAX)
		return err_set(err, -EBADMSG, "a chain of 4 GiB");
	if (left > 0 && gpa > UINT64_MAX - (left - 1))
		return err_set(err, -EBADMSG, "a buffer at 0x%" PRIx64 " that wraps", gpa);
	for (; left > 0; gpa += part, left -= part) {
		unsigned int at = chain->out_count + chain->in_count;
		void *host = ram_part(queue->ram, gpa, left, &part);

		if (!host || at == VIRTIO_IOV_MAX)
			return err_set(err, -EBADMSG,
				       "a buffer at 0x%" PRIx64 " that is not all memory", gpa);
		chain->iov[at] = (struct iovec){.iov_base = host, .iov_len = part};
		*(buffer->writes ? &chain->in_count : &chain->out_count) += 1;
	}
	return 0;
}

/* A walk along one chain. */
struct queue_walk {
	const struct virtio_queue *queue;
	struct virtio_chain *chain;
	struct queue_table table; /* the indirect one, or of the queue's own the count alone */
	unsigned int walked;      /* descriptors so far */
	bool indirect, writes;
};

static int queue_read_descriptor(const struct queue_walk *walk, uint32_t index,
				 struct vring_desc *descriptor, struct err *err)
{
	if (index >= walk->table.count)
		return err_set(err, -EBADMSG, "descriptor %u of %u", index, walk->table.count);
	if (walk->indirect)
		return queue_read_table(walk->queue, &walk->table, index, descriptor, err);
	memcpy(descriptor, walk->queue->descriptors + index * sizeof(*descriptor),
	       sizeof(*descriptor));
	return 0;
}

static struct queue_buffer queue_buffer_of(const struct vring_desc *descriptor)
{
	return (struct queue_buffer){
		.gpa = le64toh(descriptor->addr),
		.size = le32toh(descriptor->len),
		.writes = le16toh(descriptor->flags) & VRING_DESC_F_WRITE,
	};
}

/* VIRTIO 1.2 2.7.5.3: the chain goes on in a table of its own, to its end. */
static int queue_enter_table(struct queue_walk *walk, const struct vring_desc *descriptor,
			     struct err *err)
{
	const struct queue_buffer buffer = queue_buffer_of(descriptor);

	if (!walk->queue->indirect || walk->indirect)
		return err_set(err, -EBADMSG, "an indirect descriptor where there may be none");
	if (le16toh(descriptor->flags) & VRING_DESC_F_NEXT)
		return err_set(err, -EBADMSG, "an indirect descriptor with a next one");
	walk->indirect = true;
	return queue_check_table(&buffer, &walk->table, err);
}

static int queue_walk_chain(struct queue_walk *walk, struct err *err)
{
	uint32_t index = walk->chain->head;

	for (;;) {
		struct queue_buffer buffer;
		struct vring_desc descriptor;
		int rc = queue_read_descriptor(walk, index, &descriptor, err);

		if (rc)
			return rc;
		/* A ring of descriptors has no end. */
		if (++walk->walked > VIRTIO_CHAIN_MAX)
			return err_set(err, -EBADMSG, "a chain of more than %d descriptors",
				       VIRTIO_CHAIN_MAX);
		if (le16toh(descriptor.flags) & VRING_DESC_F_INDIRECT) {
			rc = queue_enter_table(walk, &descriptor, err);
			index = 0;
			if (rc)
				return rc;
			continue;
		}
		buffer = queue_buffer_of(&descriptor);
		rc = queue_add_buffer(walk->queue, walk->chain, &buffer, &walk->writes, err);
		if (rc || !(le16toh(descriptor.flags) & VRING_DESC_F_NEXT))
			return rc;
		index = le16toh(descriptor.next);
	}
}

/* How many chains are offered that were not taken; more than the queue has: -EBADMSG. */
static int queue_waiting(const struct virtio_queue *queue, struct err *err)
{
	uint16_t waiting = (uint16_t)(queue_load(queue->driver + RING_INDEX) - queue->next_avail);

	if (waiting > queue->size)
		return err_set(err, -EBADMSG, "%u chains offered in a queue of %u", waiting,
			       queue->size);
	return waiting;
}

int virtio_queue_take(struct virtio_queue *queue, struct virtio_chain *chain, struct err *err)
{
	struct queue_walk walk = {.queue = queue, .chain = chain, .table.count = queue->size};
	unsigned int slot = queue->next_avail & (queue->size - 1U);
	int rc;

	if (queue->packed)
		return queue_packed_take(queue, chain, err);
	rc = queue_waiting(queue, err);
	if (rc <= 0)
		return rc;
	*chain = (struct virtio_chain){
		.iov = chain->iov,
		.head = queue_load(queue->driver + RING_ENTRIES + AVAIL_ENTRY_SIZE * slot),
	};
	rc = queue_walk_chain(&walk, err);
	if (rc)
		return rc;
	queue->next_avail++;
	return 1;
}

void virtio_queue_give(struct virtio_queue *queue, const struct virtio_chain *chain,
		       uint32_t written)
{
	unsigned int slot = queue->next_used & (queue->size - 1U);
	uint8_t *entry = queue->device + RING_ENTRIES + USED_ENTRY_SIZE * slot;

	if (queue->packed) {
		queue_packed_give(queue, chain, written);
		return;
	}
	store_le32(entry, chain->head);
	store_le32(entry + 4, written);
	queue_store(queue->device + RING_INDEX, ++queue->next_used);
}

static bool queue_wants_call_split(struct virtio_queue *queue)
{
	uint16_t from = queue->called;
	bool first = !queue->ever_called;

	if (queue->next_used == from && !first)
		return false;
	/* The driver sets its event, then looks at the index (VIRTIO 1.2 2.7.7.2). */
	queue_store_first(queue->device + RING_INDEX, queue->next_used);
	queue->called = queue->next_used;
	queue->ever_called = true;
	if (queue->event_index)
		return first || vring_need_event(queue_load(queue_used_event(queue)),
						 queue->next_used, from);
	return !(queue_load(queue->driver + RING_FLAGS) & VRING_AVAIL_F_NO_INTERRUPT);
}

bool virtio_queue_wants_call(struct virtio_queue *queue)
{
	return queue->packed ? queue_packed_wants_call(queue) : queue_wants_call_split(queue);
}

void virtio_queue_look(const struct virtio_queue *queue, struct virtio_queue_state *state)
{
	state->packed = queue->packed;
	state->offered = queue->packed ? 0 : queue_load(queue->driver + RING_INDEX);
	state->taken = queue->next_avail;
	state->given = queue->next_used;
}

void virtio_queue_silence(struct virtio_queue *queue)
{
	if (queue->packed)
		queue_packed_silence(queue);
	else if (!queue->event_index)
		queue_store(queue->device + RING_FLAGS, VRING_USED_F_NO_NOTIFY);
}

bool virtio_queue_listen(struct virtio_queue *queue)
{
	if (queue->packed)
		return queue_packed_listen(queue);
	/* The driver sets its index, then looks at these. */
	if (queue->event_index)
		queue_store_first(queue_avail_event(queue), queue->next_avail);
	else
		queue_store_first(queue->device + RING_FLAGS, 0);
	return queue_load(queue->driver + RING_INDEX) != queue->next_avail;
}
