/* SPDX-License-Identifier: BSD-3-Clause */
/* What kvm-bare needs of an architecture (tool/ARCH): the tiny guest, and a machine for it. */

#ifndef GUEST_IMAGES_TOOL_KVM_BARE_H
#define GUEST_IMAGES_TOOL_KVM_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

/*
 * A kernel's file whose few instructions end the machine. Any monitor can load it; kvm-bare puts
 * the whole file at BARE_LOAD bytes from where RAM begins and starts it at BARE_ENTRY in it.
 */
extern const uint8_t bare_guest[];
extern const size_t bare_guest_size;
extern const uint64_t bare_ram, bare_load, bare_entry;

/* The interrupt controller, before there is a vCPU and after; they end the program on failure. */
void bare_prepare_vm(int vm);
void bare_finish_vm(int vm);

/* Readies the vCPU to begin at @pc; ends the program when it cannot. */
void bare_prepare_vcpu(int kvm, int vm, int vcpu, uint64_t pc);

/* Whether this exit is what the guest ends with. */
bool bare_ended(const struct kvm_run *run);

/* An ioctl of KVM's, by its @name; ends the program when it fails. */
int bare_ioctl(int fd, unsigned long request, const void *argument, const char *name);

#endif
