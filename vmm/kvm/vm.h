/* SPDX-License-Identifier: BSD-3-Clause */
/* One virtual machine of KVM's: its descriptor, capabilities, memslots and devices. */

#ifndef FERRY_KVM_VM_H
#define FERRY_KVM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/map.h"
#include "vmm/base/err.h"

struct kvm_vm;

/*
 * The architecture's word on KVM_CREATE_VM's argument. @vm has /dev/kvm alone so far: it can be
 * asked for capabilities.
 */
typedef unsigned long (*kvm_vm_type)(const struct kvm_vm *vm);

/*
 * Opens /dev/kvm, checks KVM_GET_API_VERSION and the capabilities Ferry cannot do without
 * (USER_MEMORY, IRQCHIP, IRQFD, IRQ_ROUTING, IMMEDIATE_EXIT; asks KVM, never the CPU flags),
 * creates the VM, of the default type 0 when @type is NULL. NULL with @err saying which node, why
 * and what to do (module not loaded, no permission: group kvm).
 */
struct kvm_vm *kvm_vm_create(kvm_vm_type type, struct err *err);

/* Likewise on @fd, /dev/kvm opened by somebody else, which is the VM's also when it fails. */
struct kvm_vm *kvm_vm_create_given(int fd, kvm_vm_type type, struct err *err);

/* Closes everything; the memory listener must be gone (kvm_vm_unlisten) first. NULL is allowed. */
void kvm_vm_destroy(struct kvm_vm *vm);

/* KVM_CHECK_EXTENSION on the VM; 0 when absent or when it cannot be asked. */
int kvm_vm_capability(const struct kvm_vm *vm, unsigned int capability);

/* An ioctl on the VM's or the system's descriptor for architecture code; result or -errno. */
int kvm_vm_ioctl(struct kvm_vm *vm, unsigned long request, void *argument) FERRY_MUST_CHECK;
int kvm_vm_ioctl_value(struct kvm_vm *vm, unsigned long request,
		       unsigned long argument) FERRY_MUST_CHECK;
int kvm_vm_system_ioctl(struct kvm_vm *vm, unsigned long request, void *argument) FERRY_MUST_CHECK;

/* Bytes of a vCPU's shared run page (KVM_GET_VCPU_MMAP_SIZE). */
size_t kvm_vm_run_size(const struct kvm_vm *vm);

/*
 * Registers the memslot listener with @map: RAM read-write, ROM read-only (KVM_MEM_READONLY),
 * DEVICE read-write. Slots are reused. Likewise the one of doorbells (vmm/kvm/doorbell.h). One map
 * per VM.
 */
int kvm_vm_listen(struct kvm_vm *vm, struct mem_map *map, struct err *err) FERRY_MUST_CHECK;
void kvm_vm_unlisten(struct kvm_vm *vm);

/* KVM_CREATE_DEVICE (kvm/devices): a descriptor that the caller owns, or -errno with @err set. */
int kvm_vm_create_device(struct kvm_vm *vm, uint32_t type, const char *name,
			 struct err *err) FERRY_MUST_CHECK;

/* KVM_SET_DEVICE_ATTR and KVM_GET_DEVICE_ATTR on a device's or a vCPU's descriptor; 0 or -errno. */
int kvm_device_set_attribute(int fd, uint32_t group, uint64_t attribute,
			     const void *value) FERRY_MUST_CHECK;
int kvm_device_get_attribute(int fd, uint32_t group, uint64_t attribute,
			     void *value) FERRY_MUST_CHECK;

#endif
