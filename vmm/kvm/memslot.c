/* SPDX-License-Identifier: BSD-3-Clause */
/* The listener that gives the regions of a memory map to KVM as memslots. */

#include "vmm/kvm/memslot.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/base/page.h"

/* What every KVM has that does not say (api.rst, KVM_CAP_NR_MEMSLOTS). */
enum { DEFAULT_LIMIT = 32 };

struct memslot {
	uint64_t base; /* guest-physical, of the region that has it */
	int number;
};

/* Changed by the listener's callbacks alone, under the map's lock. */
struct kvm_memslots {
	struct mem_listener listener;
	struct kvm_vm *vm;
	struct mem_map *map;
	uint64_t page_size;
	bool has_readonly;
	int limit;
	bool *used;            /* by number; also what KVM would not remove */
	struct memslot *slots; /* ascending by base; room for `limit` */
	size_t count;
};

static bool memslot_is_page_aligned(const struct kvm_memslots *memslots,
				    const struct mem_region *region)
{
	return is_aligned((uintptr_t)region->host | region->base | region->size,
			  memslots->page_size);
}

/*
 * Whether KVM can map the region at all. A slice that is not made of whole pages, or read-only
 * memory on a KVM that has none, is served by dispatch instead.
 */
static bool memslot_is_mappable(const struct kvm_memslots *memslots,
				const struct mem_region *region)
{
	if (region->kind == MEM_DEVICE)
		return memslot_is_page_aligned(memslots, region);
	return region->kind != MEM_ROM || memslots->has_readonly;
}

static int memslot_find_free(const struct kvm_memslots *memslots)
{
	for (int slot = 0; slot < memslots->limit; slot++)
		if (!memslots->used[slot])
			return slot;
	return -1;
}

/* How many memslots begin below @base: where the one that begins there is, or would be. */
static size_t memslot_place(const struct kvm_memslots *memslots, uint64_t base)
{
	size_t low = 0, high = memslots->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memslots->slots[middle].base < base)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The memslot of a region that may have none. */
static struct memslot *memslot_find(const struct kvm_memslots *memslots,
				    const struct mem_region *region)
{
	size_t place = memslot_place(memslots, region->base);

	return place < memslots->count && memslots->slots[place].base == region->base
		       ? &memslots->slots[place]
		       : NULL;
}

static void memslot_remember(struct kvm_memslots *memslots, uint64_t base, int number)
{
	size_t place = memslot_place(memslots, base);
	struct memslot *slot = &memslots->slots[place];

	memmove(slot + 1, slot, (memslots->count - place) * sizeof(*slot));
	*slot = (struct memslot){.base = base, .number = number};
	memslots->count++;
	memslots->used[number] = true;
}

static void memslot_forget(struct kvm_memslots *memslots, struct memslot *slot)
{
	memslots->count--;
	memmove(slot, slot + 1, (size_t)(memslots->slots + memslots->count - slot) * sizeof(*slot));
}

static int memslot_add(struct mem_listener *listener, struct mem_region *region, struct err *err)
{
	struct kvm_memslots *memslots = container_of(listener, struct kvm_memslots, listener);
	struct kvm_userspace_memory_region memory = {
		.guest_phys_addr = region->base,
		.memory_size = region->size,
		.userspace_addr = (uintptr_t)region->host,
	};
	int number, rc;

	if (!memslot_is_mappable(memslots, region))
		return 0;
	number = memslot_find_free(memslots);
	if (number < 0)
		return err_set(err, -ENOSPC,
			       "KVM: memslot for %s at 0x%" PRIx64
			       ": all %d that this kernel has are in use",
			       region->name, region->base, memslots->limit);
	memory.slot = (uint32_t)number;
	if (region->kind == MEM_ROM)
		memory.flags = KVM_MEM_READONLY;
	rc = kvm_vm_ioctl(memslots->vm, KVM_SET_USER_MEMORY_REGION, &memory);
	if (rc < 0)
		return err_set(err, rc,
			       "KVM: memslot for %s at 0x%" PRIx64 ", 0x%" PRIx64 " bytes: %s",
			       region->name, region->base, region->size, err_text(rc));
	memslot_remember(memslots, region->base, number);
	return 0;
}

static void memslot_del(struct mem_listener *listener, struct mem_region *region)
{
	struct kvm_memslots *memslots = container_of(listener, struct kvm_memslots, listener);
	struct memslot *slot = memslot_find(memslots, region);
	struct kvm_userspace_memory_region memory = {
		.guest_phys_addr = region->base,
		.userspace_addr = (uintptr_t)region->host,
	};
	int rc;

	if (!slot)
		return;
	memory.slot = (uint32_t)slot->number;
	rc = kvm_vm_ioctl(memslots->vm, KVM_SET_USER_MEMORY_REGION, &memory);
	if (rc < 0)
		log_error("KVM: removing the memslot of %s at 0x%" PRIx64 ": %s", region->name,
			  region->base, err_text(rc));
	else
		memslots->used[slot->number] = false;
	memslot_forget(memslots, slot);
}

static int memslot_number(const struct mem_listener *listener, const struct mem_region *region)
{
	const struct kvm_memslots *memslots =
		container_of(listener, const struct kvm_memslots, listener);
	const struct memslot *slot = memslot_find(memslots, region);

	return slot ? slot->number : -1;
}

static void memslot_release(struct kvm_memslots *memslots)
{
	if (memslots) {
		free(memslots->slots);
		free(memslots->used);
	}
	free(memslots);
}

struct kvm_memslots *kvm_memslots_create(struct kvm_vm *vm, struct mem_map *map, struct err *err)
{
	struct kvm_memslots *memslots = calloc(1, sizeof(*memslots));
	int limit = kvm_vm_capability(vm, KVM_CAP_NR_MEMSLOTS);

	if (!memslots)
		goto out_of_memory;
	memslots->listener.name = "KVM";
	memslots->listener.add = memslot_add;
	memslots->listener.del = memslot_del;
	memslots->listener.slot = memslot_number;
	memslots->vm = vm;
	memslots->map = map;
	memslots->page_size = host_page_size();
	memslots->has_readonly = kvm_vm_capability(vm, KVM_CAP_READONLY_MEM) > 0;
	memslots->limit = limit > 0 ? limit : DEFAULT_LIMIT;
	memslots->used = calloc((size_t)memslots->limit, sizeof(*memslots->used));
	memslots->slots = calloc((size_t)memslots->limit, sizeof(*memslots->slots));
	if (!memslots->used || !memslots->slots)
		goto out_of_memory;
	if (mem_map_listen(map, &memslots->listener, err))
		goto free_memslots;
	return memslots;
out_of_memory:
	err_set(err, -ENOMEM, "KVM: memslots: out of memory");
free_memslots:
	memslot_release(memslots);
	return NULL;
}

void kvm_memslots_destroy(struct kvm_memslots *memslots)
{
	if (!memslots)
		return;
	mem_map_unlisten(memslots->map, &memslots->listener);
	memslot_release(memslots);
}
