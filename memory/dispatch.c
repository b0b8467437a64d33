/* SPDX-License-Identifier: BSD-3-Clause */
/* One access of the guest carried out on whatever region holds its address. */

#include "memory/map_private.h"
#include "vmm/base/bits.h"

/*
 * The region that wholly holds the access, or NULL. Once the lock is dropped the region may leave
 * the map, which frees nothing: the access then simply came first.
 */
static struct mem_region *dispatch_claim(struct mem_map *map, uint64_t address, unsigned int size,
					 uint64_t *offset)
{
	struct mem_region *region = NULL;
	struct mem_entry *entry;

	if (size > 8 || !is_power_of_2(size))
		return NULL;
	pthread_rwlock_rdlock(&map->lock);
	entry = mem_table_find(&map->table, address);
	if (entry && range_fits(address - entry->base, size, entry->region->size)) {
		region = entry->region;
		*offset = address - entry->base;
		__atomic_fetch_add(&region->accesses, 1, __ATOMIC_RELAXED);
	}
	pthread_rwlock_unlock(&map->lock);
	return region;
}

/* A single load where the host can do one, as another vCPU may be writing. */
static uint64_t dispatch_load_in_place(const void *host, unsigned int size)
{
	if (is_aligned((uintptr_t)host, size)) {
		switch (size) {
		case 1:
			return __atomic_load_n((const uint8_t *)host, __ATOMIC_RELAXED);
		case 2:
			return le16toh(__atomic_load_n((const uint16_t *)host, __ATOMIC_RELAXED));
		case 4:
			return le32toh(__atomic_load_n((const uint32_t *)host, __ATOMIC_RELAXED));
		case 8:
			return le64toh(__atomic_load_n((const uint64_t *)host, __ATOMIC_RELAXED));
		}
	}
	return load_le(host, size);
}

static void dispatch_store_in_place(void *host, unsigned int size, uint64_t value)
{
	if (!is_aligned((uintptr_t)host, size)) {
		store_le(host, size, value);
		return;
	}
	switch (size) {
	case 1:
		__atomic_store_n((uint8_t *)host, (uint8_t)value, __ATOMIC_RELAXED);
		break;
	case 2:
		__atomic_store_n((uint16_t *)host, htole16((uint16_t)value), __ATOMIC_RELAXED);
		break;
	case 4:
		__atomic_store_n((uint32_t *)host, htole32((uint32_t)value), __ATOMIC_RELAXED);
		break;
	case 8:
		__atomic_store_n((uint64_t *)host, htole64(value), __ATOMIC_RELAXED);
		break;
	}
}

static void dispatch_region_lock(const struct mem_region *region)
{
	if (region->lock)
		pthread_mutex_lock(region->lock);
}

static void dispatch_region_unlock(const struct mem_region *region)
{
	if (region->lock)
		pthread_mutex_unlock(region->lock);
}

enum mem_result mem_map_read(struct mem_map *map, uint64_t address, unsigned int size,
			     uint64_t *value)
{
	enum mem_result result;
	uint64_t offset = 0;
	struct mem_region *region = dispatch_claim(map, address, size, &offset);

	if (!region) {
		*value = size >= 1 && size <= 8 ? all_ones(size) : UINT64_MAX;
		return MEM_DONE;
	}
	if (region->kind == MEM_RAM || region->kind == MEM_ROM) {
		*value = dispatch_load_in_place((const char *)region->host + offset, size);
		return MEM_DONE;
	}
	*value = all_ones(size);
	dispatch_region_lock(region);
	result = region->ops->read(region->owner, offset, size, value);
	dispatch_region_unlock(region);
	*value &= all_ones(size);
	return result;
}

enum mem_result mem_map_write(struct mem_map *map, uint64_t address, unsigned int size,
			      uint64_t value)
{
	enum mem_result result;
	uint64_t offset = 0;
	struct mem_region *region = dispatch_claim(map, address, size, &offset);

	if (!region)
		return MEM_DONE;
	if (region->kind == MEM_RAM) {
		dispatch_store_in_place((char *)region->host + offset, size, value);
		return MEM_DONE;
	}
	if (!region->ops)
		return MEM_DONE;
	dispatch_region_lock(region);
	result = region->ops->write(region->owner, offset, size, value & all_ones(size));
	dispatch_region_unlock(region);
	return result;
}
