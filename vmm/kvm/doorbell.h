/* SPDX-License-Identifier: BSD-3-Clause */
/* The listener that has KVM itself signal the eventfds of a memory map's doorbells. */

#ifndef FERRY_KVM_DOORBELL_H
#define FERRY_KVM_DOORBELL_H

#include <stdbool.h>

#include "memory/map.h"
#include "vmm/base/err.h"
#include "vmm/kvm/vm.h"

/*
 * Each doorbell of a region in the map is an ioeventfd (api.rst, KVM_IOEVENTFD): the guest's write
 * ends in the kernel. One of any width has no length there, which on x86_64 spares KVM to decode
 * the instruction. A region of which KVM refuses one has none of them.
 */
struct kvm_doorbells;

/*
 * Whether @fd, somebody else's, is an eventfd: KVM looks at the descriptor alone, where asking a
 * file system may take as long as that likes. Any thread.
 */
bool kvm_doorbell_is_event(struct kvm_vm *vm, int fd);

/* Registers with @map, replaying what it holds. Both outlive it. NULL with @err set. */
struct kvm_doorbells *kvm_doorbells_create(struct kvm_vm *vm, struct mem_map *map, struct err *err);

/* Takes every ioeventfd back, then forgets the map. NULL is allowed. */
void kvm_doorbells_destroy(struct kvm_doorbells *doorbells);

#endif
