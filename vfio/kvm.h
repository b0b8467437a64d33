/* SPDX-License-Identifier: BSD-3-Clause */
/* KVM's VFIO device, by which a provider has KVM learn of the guest's devices. */

#ifndef FERRY_VFIO_KVM_H
#define FERRY_VFIO_KVM_H

#include "vmm/base/err.h"
#include "vmm/kvm/vm.h"

/*
 * Creates the device unless *@kvm, -1 at first, has it already. The descriptor is the caller's, to
 * be kept for the VM's life: older kernels keep the device as long, and a VM has no second one.
 */
int vfio_kvm_open(int *kvm, struct kvm_vm *vm, struct err *err) FERRY_MUST_CHECK;

/*
 * Adds what @descriptor stands for, before any device of it is opened. @name is for the message.
 */
int vfio_kvm_add(int kvm, int descriptor, const char *name, struct err *err) FERRY_MUST_CHECK;

/* Takes it out again, once its devices are closed. */
void vfio_kvm_del(int kvm, int descriptor, const char *name);

#endif
