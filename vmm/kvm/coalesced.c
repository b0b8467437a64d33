/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes to ports that KVM keeps for later, so that they cost the guest no exit of their own. */

#include "vmm/kvm/coalesced.h"

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdlib.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/base/page.h"

struct kvm_coalesced {
	struct kvm_vm *vm;
	struct mem_map *ports;
	size_t ring_offset; /* from a vCPU's run page; 0: KVM has no ring for ports */
	uint32_t ring_room; /* entries */
	bool open;
	uint64_t count;       /* writes carried out; atomic */
	pthread_mutex_t lock; /* the ring's `first`, and the order in which its entries are done */
};

static size_t coalesced_find_ring(const struct kvm_vm *vm)
{
	size_t page = host_page_size();
	size_t offset = (size_t)kvm_vm_capability(vm, KVM_CAP_COALESCED_MMIO) * page;

	if (kvm_vm_capability(vm, KVM_CAP_COALESCED_PIO) <= 0 ||
	    !range_fits(offset, page, kvm_vm_run_size(vm)))
		return 0;
	return offset;
}

struct kvm_coalesced *kvm_coalesced_create(struct kvm_vm *vm, struct mem_map *ports,
					   struct err *err)
{
	struct kvm_coalesced *coalesced = calloc(1, sizeof(*coalesced));

	if (!coalesced) {
		err_set(err, -ENOMEM, "KVM: out of memory");
		return NULL;
	}
	coalesced->vm = vm;
	coalesced->ports = ports;
	coalesced->ring_offset = coalesced_find_ring(vm);
	/* KVM_COALESCED_MMIO_MAX, which needs the kernel's own PAGE_SIZE. */
	coalesced->ring_room =
		(uint32_t)((host_page_size() - sizeof(struct kvm_coalesced_mmio_ring)) /
			   sizeof(struct kvm_coalesced_mmio));
	pthread_mutex_init(&coalesced->lock, NULL);
	return coalesced;
}

void kvm_coalesced_destroy(struct kvm_coalesced *coalesced)
{
	if (!coalesced)
		return;
	kvm_coalesced_close(coalesced);
	pthread_mutex_destroy(&coalesced->lock);
	free(coalesced);
}

static int coalesced_set_zone(struct kvm_coalesced *coalesced, unsigned long request,
			      const struct mem_view *view)
{
	struct kvm_coalesced_mmio_zone zone = {
		.addr = view->base,
		.size = (uint32_t)view->latch,
		.pio = 1,
	};

	return kvm_vm_ioctl(coalesced->vm, request, &zone);
}

static void coalesced_open_zone(void *owner, const struct mem_view *view)
{
	struct kvm_coalesced *coalesced = owner;
	int rc;

	if (!view->latch)
		return;
	rc = coalesced_set_zone(coalesced, KVM_REGISTER_COALESCED_MMIO, view);
	if (rc < 0)
		log_debug("KVM: writes to %s are not coalesced: %s", view->name, err_text(rc));
	else
		coalesced->open = true;
}

/* A zone that is not there is no error to KVM. */
static void coalesced_close_zone(void *owner, const struct mem_view *view)
{
	int rc = view->latch ? coalesced_set_zone(owner, KVM_UNREGISTER_COALESCED_MMIO, view) : 0;

	if (rc < 0)
		log_debug("KVM: writes to %s stay coalesced: %s", view->name, err_text(rc));
}

bool kvm_coalesced_open(struct kvm_coalesced *coalesced)
{
	if (coalesced->ring_offset && !coalesced->open)
		mem_map_walk(coalesced->ports, coalesced_open_zone, coalesced);
	return coalesced->open;
}

void kvm_coalesced_close(struct kvm_coalesced *coalesced)
{
	if (coalesced->open)
		mem_map_walk(coalesced->ports, coalesced_close_zone, coalesced);
	coalesced->open = false;
}

static struct kvm_coalesced_mmio_ring *coalesced_ring(const struct kvm_coalesced *coalesced,
						      struct kvm_vcpu *vcpu)
{
	return (void *)((char *)kvm_vcpu_run_page(vcpu) + coalesced->ring_offset);
}

/* KVM adds at `last`; `first` is ours, and moves on once the write has been carried out. */
static bool coalesced_is_empty(const struct kvm_coalesced_mmio_ring *ring)
{
	return __atomic_load_n(&ring->first, __ATOMIC_ACQUIRE) ==
	       __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE);
}

void kvm_coalesced_drain(struct kvm_coalesced *coalesced, struct kvm_vcpu *vcpu)
{
	struct kvm_coalesced_mmio_ring *ring = coalesced_ring(coalesced, vcpu);

	if (!coalesced->ring_offset || coalesced_is_empty(ring))
		return;
	pthread_mutex_lock(&coalesced->lock);
	while (!coalesced_is_empty(ring)) {
		uint32_t first = ring->first % coalesced->ring_room;
		const struct kvm_coalesced_mmio *write = &ring->coalesced_mmio[first];

		/* A latch's handler never has to wait. */
		if (write->len <= sizeof(write->data))
			mem_map_write(coalesced->ports, write->phys_addr, write->len,
				      load_le(write->data, write->len));
		__atomic_fetch_add(&coalesced->count, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&ring->first, (first + 1) % coalesced->ring_room,
				 __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&coalesced->lock);
}

uint64_t kvm_coalesced_count(const struct kvm_coalesced *coalesced)
{
	return __atomic_load_n(&coalesced->count, __ATOMIC_RELAXED);
}

void kvm_coalesced_discard(struct kvm_coalesced *coalesced, struct kvm_vcpu *vcpu)
{
	struct kvm_coalesced_mmio_ring *ring = coalesced_ring(coalesced, vcpu);

	if (coalesced->ring_offset)
		__atomic_store_n(&ring->first, __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE),
				 __ATOMIC_RELEASE);
}
