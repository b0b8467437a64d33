/* SPDX-License-Identifier: BSD-3-Clause */
/* The listener that gives the regions of a memory map to KVM as memslots. */

#ifndef FERRY_KVM_MEMSLOT_H
#define FERRY_KVM_MEMSLOT_H

#include "memory/map.h"
#include "vmm/base/err.h"
#include "vmm/kvm/vm.h"

struct kvm_memslots;

/* Registers with @map, replaying what it holds. Both outlive it. NULL with @err set. */
struct kvm_memslots *kvm_memslots_create(struct kvm_vm *vm, struct mem_map *map, struct err *err);

/* Deletes every memslot, then forgets the map. NULL is allowed. */
void kvm_memslots_destroy(struct kvm_memslots *memslots);

#endif
