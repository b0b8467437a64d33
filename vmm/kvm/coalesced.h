/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes to ports that KVM keeps for later, so that they cost the guest no exit of their own. */

#ifndef FERRY_KVM_COALESCED_H
#define FERRY_KVM_COALESCED_H

#include <stdbool.h>

#include "memory/map.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"

/*
 * KVM puts each write to a zone into a ring, which is the VM's, and runs the guest on (api.rst,
 * KVM_(UN)REGISTER_COALESCED_MMIO). The zones are the latches of the regions of one map (`latch`
 * in memory/region.h). Whoever comes out of the guest carries the ring out before anything else, so
 * that all is done in the guest's order. A full ring has the guest exit as it would without one.
 */
struct kvm_coalesced;

/*
 * @vm and @ports outlive it. On a KVM that does not know how (KVM_CAP_COALESCED_PIO) it is there
 * and does nothing. NULL with @err set.
 */
struct kvm_coalesced *kvm_coalesced_create(struct kvm_vm *vm, struct mem_map *ports,
					   struct err *err);
void kvm_coalesced_destroy(struct kvm_coalesced *coalesced);

/*
 * Has KVM keep the writes to the latches that @ports has now; false where it keeps none. A zone
 * that KVM refuses stays as it was. Main thread, as the next; no-op when it is open.
 */
bool kvm_coalesced_open(struct kvm_coalesced *coalesced);

/* The writes exit again; what is in the ring is still to be carried out. No-op when closed. */
void kvm_coalesced_close(struct kvm_coalesced *coalesced);

/*
 * Carries out what is in the ring, which is mapped with @vcpu, any of the VM's. When it returns,
 * all that was in the ring when it was called is done, by whichever thread. Any thread, no lock
 * held.
 */
void kvm_coalesced_drain(struct kvm_coalesced *coalesced, struct kvm_vcpu *vcpu);

/* The writes that were carried out so far. Any thread. */
uint64_t kvm_coalesced_count(const struct kvm_coalesced *coalesced);

/* Before a reset: forgets what is in the ring. All vCPUs parked. */
void kvm_coalesced_discard(struct kvm_coalesced *coalesced, struct kvm_vcpu *vcpu);

#endif
