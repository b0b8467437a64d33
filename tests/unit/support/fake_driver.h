/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver's side of a virtqueue, split or packed, in guest memory of two pieces that touch. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_DRIVER_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_DRIVER_H

#include <check.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "devices/virtio/queue.h"
#include "memory/map.h"
#include "memory/ram.h"
#include "vmm/base/bits.h"

/* Where things are in the guest's memory; the pieces touch at SEAM, and it ends at END. */
enum {
	DRIVER_RINGS = 0x10000, /* 0x10000 for each queue */
	DRIVER_TABLES = 0x80000,
	DRIVER_SEAM = 0x200000,
	DRIVER_END = 0x800000,
};

struct driver_memory {
	struct mem_map *map;
	struct ram *ram;
};

struct driver_queue {
	struct driver_memory *memory;
	struct virtio_queue_place place;
	uint64_t features;
	uint16_t avail, seen; /* the driver's own indices; of a packed one its places */
	/* A packed one: chains as driver_describe() has them, and how long each is. */
	bool packed, avail_wrap, seen_wrap;
	struct vring_desc shadow[VIRTIO_QUEUE_SIZE_MAX];
	uint16_t spans[VIRTIO_QUEUE_SIZE_MAX];
};

static inline struct driver_memory driver_memory_create(void)
{
	const struct ram_range pieces[] = {
		{0, DRIVER_SEAM},
		{DRIVER_SEAM, DRIVER_END - DRIVER_SEAM},
	};
	struct ram_config config = {.shared = true};
	struct err err = {0};
	struct driver_memory memory = {.map = mem_map_create("guest", 0, &err)};

	memory.ram = ram_create(memory.map, pieces, ARRAY_SIZE(pieces), &config, &err);
	ck_assert_msg(memory.ram, "%s", err.text);
	return memory;
}

static inline void driver_memory_destroy(struct driver_memory *memory)
{
	ram_destroy(memory->ram);
	mem_map_destroy(memory->map);
}

static inline void *driver_host(const struct driver_queue *driver, uint64_t gpa)
{
	void *host = ram_host(driver->memory->ram, gpa, 1);

	ck_assert_ptr_nonnull(host);
	return host;
}

/* Queue number @index of a device, empty. */
static inline struct driver_queue driver_queue(struct driver_memory *memory, unsigned int index,
					       uint16_t size, uint64_t features)
{
	uint64_t base = DRIVER_RINGS * (uint64_t)(1 + index);
	struct driver_queue driver = {
		.memory = memory,
		.place =
			{
				.size = size,
				.descriptors = base,
				.driver = base + 0x4000,
				.device = base + 0x8000,
			},
		.features = features,
		.packed = features >> VIRTIO_F_RING_PACKED & 1,
		.avail_wrap = true,
		.seen_wrap = true,
	};

	ck_assert_int_eq(ram_clear(memory->ram, base, 0x10000), 0);
	return driver;
}

static inline struct vring_desc *driver_descriptor(const struct driver_queue *driver,
						   unsigned int index)
{
	return (struct vring_desc *)driver_host(driver, driver->place.descriptors) + index;
}

static inline uint16_t *driver_avail(const struct driver_queue *driver)
{
	return driver_host(driver, driver->place.driver);
}

static inline uint16_t *driver_used(const struct driver_queue *driver)
{
	return driver_host(driver, driver->place.device);
}

static inline void driver_describe(struct driver_queue *driver, unsigned int index, uint64_t gpa,
				   uint32_t size, unsigned int flags, unsigned int next)
{
	struct vring_desc *descriptor =
		driver->packed ? &driver->shadow[index] : driver_descriptor(driver, index);

	*descriptor = (struct vring_desc){
		.addr = htole64(gpa),
		.len = htole32(size),
		.flags = htole16((uint16_t)flags),
		.next = htole16((uint16_t)next),
	};
}

/* Descriptor number @place of a packed one. */
static inline struct vring_packed_desc *driver_packed(const struct driver_queue *driver,
						      unsigned int place)
{
	return (struct vring_packed_desc *)driver_host(driver, driver->place.descriptors) + place;
}

/* Copies the chain into the ring; the first one's flags, which offer it, last. */
static inline void driver_offer_packed(struct driver_queue *driver, unsigned int head)
{
	const unsigned int bits = 1 << VRING_PACKED_DESC_F_AVAIL | 1 << VRING_PACKED_DESC_F_USED;
	struct vring_packed_desc *first = driver_packed(driver, driver->avail);
	unsigned int index = head, span = 0;
	uint16_t first_flags = 0, flags;

	do {
		const struct vring_desc *from = &driver->shadow[index % driver->place.size];
		struct vring_packed_desc *to = driver_packed(driver, driver->avail);

		flags = le16toh(from->flags);
		to->addr = from->addr;
		to->len = from->len;
		to->id = htole16((uint16_t)head);
		flags = (uint16_t)((flags & ~bits) |
				   1U << (driver->avail_wrap ? VRING_PACKED_DESC_F_AVAIL
							     : VRING_PACKED_DESC_F_USED));
		if (span++)
			__atomic_store_n(&to->flags, htole16(flags), __ATOMIC_SEQ_CST);
		else
			first_flags = flags;
		if (++driver->avail == driver->place.size) {
			driver->avail = 0;
			driver->avail_wrap = !driver->avail_wrap;
		}
		index = le16toh(from->next);
	} while (flags & VRING_DESC_F_NEXT && span < driver->place.size);
	driver->spans[head % VIRTIO_QUEUE_SIZE_MAX] = (uint16_t)span;
	__atomic_store_n(&first->flags, htole16(first_flags), __ATOMIC_SEQ_CST);
}

static inline bool driver_take_packed(struct driver_queue *driver, uint32_t *head,
				      uint32_t *written)
{
	const struct vring_packed_desc *at = driver_packed(driver, driver->seen);
	uint16_t flags = le16toh(__atomic_load_n(&at->flags, __ATOMIC_ACQUIRE));

	if (!!(flags & 1 << VRING_PACKED_DESC_F_AVAIL) != driver->seen_wrap ||
	    !!(flags & 1 << VRING_PACKED_DESC_F_USED) != driver->seen_wrap)
		return false;
	*head = le16toh(at->id);
	*written = le32toh(at->len);
	ck_assert_uint_eq(!!(flags & VRING_DESC_F_WRITE), *written > 0);
	ck_assert_uint_lt(*head, driver->place.size);
	driver->seen = (uint16_t)(driver->seen + driver->spans[*head]);
	if (driver->seen >= driver->place.size) {
		driver->seen = (uint16_t)(driver->seen - driver->place.size);
		driver->seen_wrap = !driver->seen_wrap;
	}
	return true;
}

/* Offers the chain that begins with @head. */
static inline void driver_offer(struct driver_queue *driver, unsigned int head)
{
	uint16_t *avail = driver_avail(driver);

	if (driver->packed) {
		driver_offer_packed(driver, head);
		return;
	}
	avail[2 + driver->avail % driver->place.size] = htole16((uint16_t)head);
	__atomic_store_n(&avail[1], htole16(++driver->avail), __ATOMIC_SEQ_CST);
}

/* Whether a chain was given back since the last question: which, and how much was written. */
static inline bool driver_take(struct driver_queue *driver, uint32_t *head, uint32_t *written)
{
	const uint16_t *used = driver_used(driver);
	const uint8_t *entry = (const uint8_t *)used + 4 + 8 * (driver->seen % driver->place.size);

	if (driver->packed)
		return driver_take_packed(driver, head, written);
	if (le16toh(__atomic_load_n(&used[1], __ATOMIC_ACQUIRE)) == driver->seen)
		return false;
	driver->seen++;
	*head = load_le32(entry);
	*written = load_le32(entry + 4);
	return true;
}

/* Wants to be told once so many more than it has seen are given back; by its event, or its flag. */
static inline void driver_want_call(struct driver_queue *driver, uint16_t event)
{
	uint16_t *avail = driver_avail(driver);

	__atomic_store_n(&avail[2 + driver->place.size], htole16(event), __ATOMIC_SEQ_CST);
}

/* Whether a driver that has offered chains from @from on would kick (VIRTIO 1.2 2.7.13.4). */
static inline bool driver_would_kick(const struct driver_queue *driver, uint16_t from)
{
	const uint16_t *used = driver_used(driver);
	uint16_t event = le16toh(used[2 + 4 * driver->place.size]);

	if (driver->features >> VIRTIO_RING_F_EVENT_IDX & 1)
		return (uint16_t)(driver->avail - event - 1) < (uint16_t)(driver->avail - from);
	return !(le16toh(used[0]) & VRING_USED_F_NO_NOTIFY);
}

#endif
