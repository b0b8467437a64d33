/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring of coalesced writes as a fake KVM fills it, behind a run page of fake_kvm.h. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_RING_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_RING_H

#include "tests/unit/support/fake_kvm.h"
#include "vmm/base/page.h"
#include "vmm/kvm/vcpu.h"

/* With a fake that has a ring: one page behind the run page. */
static inline void fake_ring_offer(void)
{
	fake.run_size = (int)(2 * host_page_size());
}

static inline struct kvm_coalesced_mmio_ring *fake_ring(struct kvm_vcpu *vcpu)
{
	return (void *)((char *)kvm_vcpu_run_page(vcpu) + host_page_size());
}

static inline uint32_t fake_ring_room(void)
{
	return (uint32_t)((host_page_size() - sizeof(struct kvm_coalesced_mmio_ring)) /
			  sizeof(struct kvm_coalesced_mmio));
}

/* As virt/kvm/coalesced_mmio.c does it; false where the guest would exit. */
static inline bool fake_ring_write(struct kvm_vcpu *vcpu, uint16_t port, uint32_t size,
				   uint32_t value)
{
	struct kvm_coalesced_mmio_ring *ring = fake_ring(vcpu);
	uint32_t next = (ring->last + 1) % fake_ring_room();
	struct kvm_coalesced_mmio write = {.phys_addr = port, .len = size, .pio = 1};

	if (next == __atomic_load_n(&ring->first, __ATOMIC_ACQUIRE))
		return false;
	store_le32(write.data, value);
	ring->coalesced_mmio[ring->last] = write;
	__atomic_store_n(&ring->last, next, __ATOMIC_RELEASE);
	return true;
}

#endif
