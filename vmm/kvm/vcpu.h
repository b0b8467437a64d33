/* SPDX-License-Identifier: BSD-3-Clause */
/* One virtual processor of KVM's: its descriptor and the page it shares with the kernel. */

#ifndef FERRY_KVM_VCPU_H
#define FERRY_KVM_VCPU_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/kvm/vm.h"

struct kvm_vcpu;

/* KVM_CREATE_VCPU with @id and maps its run page. @vm outlives it. NULL with @err set. */
struct kvm_vcpu *kvm_vcpu_create(struct kvm_vm *vm, unsigned int id, struct err *err);
void kvm_vcpu_destroy(struct kvm_vcpu *vcpu);

unsigned int kvm_vcpu_id(const struct kvm_vcpu *vcpu);

/* The page shared with the kernel; its exit fields belong to the vCPU's own thread. */
struct kvm_run *kvm_vcpu_run_page(struct kvm_vcpu *vcpu);

/*
 * KVM_RUN: 0 when an exit is to be handled, -EINTR (also for immediate_exit, and for a processor
 * woken from waiting for its start-up message: run again), -EFAULT, or another errno. Only from the
 * vCPU's own thread.
 */
int kvm_vcpu_run(struct kvm_vcpu *vcpu) FERRY_MUST_CHECK;

/*
 * After -EFAULT, once: whether KVM says which guest-physical addresses it was about (api.rst,
 * KVM_EXIT_MEMORY_FAULT; kernels before 6.8 do not), in *@first to *@last. Own thread only.
 */
bool kvm_vcpu_fault_range(struct kvm_vcpu *vcpu, uint64_t *first, uint64_t *last);

/*
 * Retires an exit that has been handled but not yet seen by the guest: one KVM_RUN with
 * immediate_exit set (api.rst, KVM_RUN). Must come before registers are read, the vCPU is parked
 * for long, reset or saved. Own thread only. 0 when done (-EINTR of the ioctl is success); -EAGAIN
 * when the kernel produced another exit to be handled first.
 */
int kvm_vcpu_complete(struct kvm_vcpu *vcpu) FERRY_MUST_CHECK;

/* immediate_exit for kicks: safe from a signal handler and from other threads. */
void kvm_vcpu_set_immediate_exit(struct kvm_vcpu *vcpu, bool on);

/* An ioctl on the vCPU's descriptor; its result or -errno. */
int kvm_vcpu_ioctl(struct kvm_vcpu *vcpu, unsigned long request, void *argument) FERRY_MUST_CHECK;

/* The descriptor, for attributes and a sandbox's list; stays the vCPU's. */
int kvm_vcpu_fd(const struct kvm_vcpu *vcpu);

#endif
