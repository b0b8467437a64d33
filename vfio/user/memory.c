/* SPDX-License-Identifier: BSD-3-Clause */
/* What servers of vfio-user may reach by DMA: mapped, unmapped, and copied for those that ask. */

#include "vfio/user/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"

static struct vfio_user_memory *memory_of_space(const struct vfio_space *space)
{
	return container_of(space, struct vfio_user_memory, space);
}

/* With its descriptor, where the server can map it by itself. */
static int memory_tell_map(struct vfio_user_client *client, const struct vfio_mapping *mapping)
{
	bool shared = mapping->fd >= 0 && client->limits.fds > 0;
	const struct vfio_user_map map = {
		.argsz = sizeof(map),
		.flags = mapping->flags & (VFIO_MAP_READ | VFIO_MAP_WRITE),
		.offset = shared ? mapping->fd_offset : 0,
		.address = mapping->iova,
		.size = mapping->size,
	};
	struct vfio_user_request request = {
		.command = VFIO_USER_DMA_MAP,
		.payload = &map,
		.size = sizeof(map),
		.fds = &mapping->fd,
		.fd_count = shared,
	};
	int rc = vfio_user_ask(client, &request);

	/* One that is lost reaches nothing that it has to be told of. */
	return rc && vfio_user_is_lost(client) ? 0 : rc;
}

/* Its answer says that it has let go. */
static int memory_tell_unmap(struct vfio_user_client *client, const struct vfio_mapping *mapping)
{
	const struct vfio_user_unmap unmap = {
		.argsz = sizeof(unmap),
		.address = mapping->iova,
		.size = mapping->size,
	};
	struct vfio_user_unmap answer;
	struct vfio_user_request request = {
		.command = VFIO_USER_DMA_UNMAP,
		.payload = &unmap,
		.size = sizeof(unmap),
		.answer = &answer,
		.room = sizeof(answer),
	};
	int rc = vfio_user_ask(client, &request);

	return rc && vfio_user_is_lost(client) ? 0 : rc;
}

/* What is mapped; `order` is held, so that nobody else changes it. */

static bool memory_overlaps(const struct vfio_user_memory *memory, uint64_t iova, uint64_t size)
{
	for (size_t i = 0; i < memory->count; i++)
		if (ranges_overlap(memory->maps[i].iova, memory->maps[i].size, iova, size))
			return true;
	return false;
}

static int memory_append(struct vfio_user_memory *memory, const struct vfio_mapping *mapping)
{
	int rc = 0;

	pthread_mutex_lock(&memory->lock);
	if (memory->count == memory->room) {
		size_t room = memory->room ? 2 * memory->room : 16;
		struct vfio_mapping *maps = realloc(memory->maps, room * sizeof(*maps));

		rc = maps ? 0 : -ENOMEM;
		if (maps) {
			memory->maps = maps;
			memory->room = room;
		}
	}
	if (!rc)
		memory->maps[memory->count++] = *mapping;
	pthread_mutex_unlock(&memory->lock);
	return rc;
}

static void memory_take_out(struct vfio_user_memory *memory, size_t index)
{
	pthread_mutex_lock(&memory->lock);
	memory->maps[index] = memory->maps[--memory->count];
	pthread_mutex_unlock(&memory->lock);
}

/* Those before @end have it. */
static void memory_take_back(const struct vfio_user_memory *memory,
			     const struct vfio_user_member *end, const struct vfio_mapping *mapping)
{
	for (struct vfio_user_member *member = memory->members; member != end;
	     member = member->next)
		(void)!memory_tell_unmap(member->client, mapping);
}

/* It is there before a server hears of it, which may ask for it at once. */
static int memory_add_map(struct vfio_user_memory *memory, const struct vfio_mapping *mapping)
{
	struct vfio_user_member *member = memory->members;
	int rc;

	if (memory_overlaps(memory, mapping->iova, mapping->size))
		return -EEXIST;
	if (memory->count >= memory->maps_most)
		return -ENOSPC;
	rc = memory_append(memory, mapping);
	if (rc)
		return rc;
	for (; member && !rc; member = rc ? member : member->next)
		rc = memory_tell_map(member->client, mapping);
	if (!rc)
		return 0;
	memory_take_back(memory, member, mapping);
	memory_take_out(memory, memory->count - 1);
	return rc;
}

static int memory_map(struct vfio_space *space, const struct vfio_mapping *mapping)
{
	struct vfio_user_memory *memory = memory_of_space(space);
	int rc;

	pthread_mutex_lock(&memory->order);
	rc = memory_add_map(memory, mapping);
	pthread_mutex_unlock(&memory->order);
	return rc;
}

static int memory_unmap(struct vfio_space *space, uint64_t iova, uint64_t size, uint64_t *unmapped)
{
	struct vfio_user_memory *memory = memory_of_space(space);
	int rc = 0;

	*unmapped = 0;
	pthread_mutex_lock(&memory->order);
	for (size_t i = memory->count; i-- > 0;) {
		const struct vfio_mapping map = memory->maps[i];

		if (map.iova < iova || !range_fits(map.iova - iova, map.size, size))
			continue;
		for (struct vfio_user_member *member = memory->members; member;
		     member = member->next) {
			int refused = memory_tell_unmap(member->client, &map);

			rc = rc ? rc : refused;
		}
		memory_take_out(memory, i);
		*unmapped += map.size;
	}
	pthread_mutex_unlock(&memory->order);
	return rc;
}

static uint64_t memory_maps_left(const struct vfio_space *space)
{
	return memory_of_space(space)->maps_most;
}

/* A server maps a file once: there is no reason to have it do so in small parts. */
static const struct vfio_space_ops memory_ops = {
	.map = memory_map,
	.unmap = memory_unmap,
	.maps_left = memory_maps_left,
	.unpinned = true,
	.when_full = "a server of vfio-user takes no more mappings (max_dma_maps)",
};

void vfio_user_memory_init(struct vfio_user_memory *memory)
{
	memory->space.ops = &memory_ops;
	memory->maps_most = UINT32_MAX;
	pthread_mutex_init(&memory->order, NULL);
	pthread_mutex_init(&memory->lock, NULL);
}

void vfio_user_memory_release(struct vfio_user_memory *memory)
{
	free(memory->maps);
	pthread_mutex_destroy(&memory->lock);
	pthread_mutex_destroy(&memory->order);
}

/* What every server takes that is there. `order` is held. */
static void memory_count_limits(struct vfio_user_memory *memory)
{
	uint64_t pages = 0;

	memory->maps_most = UINT32_MAX;
	for (const struct vfio_user_member *at = memory->members; at; at = at->next) {
		const struct vfio_user_limits *limits = &at->client->limits;

		pages = pages ? pages & limits->pages : limits->pages;
		if (limits->maps < memory->maps_most)
			memory->maps_most = limits->maps;
	}
	memory->space.page_sizes = pages;
}

static int memory_check_limits(const struct vfio_user_memory *memory,
			       const struct vfio_user_limits *limits, struct err *err)
{
	const struct vfio_space *space = &memory->space;
	uint64_t pages = space->page_sizes ? space->page_sizes & limits->pages : limits->pages;

	if (!pages)
		return err_set(err, -EINVAL,
			       "its server takes pages of sizes 0x%" PRIx64
			       ", those before it of 0x%" PRIx64 ": there is none for both",
			       limits->pages, space->page_sizes);
	if (limits->maps < memory->count)
		return err_set(err, -ENOSPC,
			       "its server takes %" PRIu64 " mappings, of %zu that there are",
			       limits->maps, memory->count);
	return 0;
}

int vfio_user_memory_add(struct vfio_user_memory *memory, struct vfio_user_member *member,
			 struct err *err)
{
	int rc;

	pthread_mutex_lock(&memory->order);
	rc = memory_check_limits(memory, &member->client->limits, err);
	for (size_t i = 0; i < memory->count && !rc; i++) {
		rc = memory_tell_map(member->client, &memory->maps[i]);
		if (rc)
			err_set(err, rc, "its server does not map guest RAM: %s", err_text(rc));
	}
	if (!rc) {
		member->next = memory->members;
		memory->members = member;
		memory_count_limits(memory);
	}
	pthread_mutex_unlock(&memory->order);
	return rc;
}

void vfio_user_memory_remove(struct vfio_user_memory *memory, const struct vfio_user_member *member)
{
	struct vfio_user_member **link = &memory->members;

	pthread_mutex_lock(&memory->order);
	while (*link && *link != member)
		link = &(*link)->next;
	if (*link)
		*link = member->next;
	memory_count_limits(memory);
	pthread_mutex_unlock(&memory->order);
}

/*
 * The host's address of the longest part of [@address, @address + @size) that lies in one mapping;
 * NULL where there is none. That of a device's own memory is its server's to take away. The lock is
 * held.
 */
static void *memory_part(const struct vfio_user_memory *memory, uint64_t address, uint64_t size,
			 unsigned int flag, uint64_t *part)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct vfio_mapping *map = &memory->maps[i];
		uint64_t at = address - map->iova;

		if (address < map->iova || at >= map->size)
			continue;
		if (!(map->flags & flag) || map->flags & VFIO_MAP_DEVICE)
			return NULL;
		*part = map->size - at < size ? map->size - at : size;
		return (char *)map->host + at;
	}
	return NULL;
}

/* The lock is held. */
static bool memory_reaches(const struct vfio_user_memory *memory, uint64_t address, uint64_t size,
			   unsigned int flag)
{
	uint64_t part;

	if (size && address + (size - 1) < address)
		return false;
	while (size) {
		if (!memory_part(memory, address, size, flag, &part))
			return false;
		address += part;
		size -= part;
	}
	return true;
}

int vfio_user_memory_copy(void *owner, uint64_t address, void *data, uint64_t size, bool writes)
{
	struct vfio_user_memory *memory = owner;
	unsigned int flag = writes ? VFIO_MAP_WRITE : VFIO_MAP_READ;
	uint8_t *bytes = data;
	int rc;

	pthread_mutex_lock(&memory->lock);
	rc = memory_reaches(memory, address, size, flag) ? 0 : -EFAULT;
	while (!rc && size) {
		uint64_t part = 0;
		void *host = memory_part(memory, address, size, flag, &part);

		if (writes)
			memcpy(host, bytes, part);
		else
			memcpy(bytes, host, part);
		bytes += part;
		address += part;
		size -= part;
	}
	pthread_mutex_unlock(&memory->lock);
	return rc;
}
