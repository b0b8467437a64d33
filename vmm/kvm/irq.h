/* SPDX-License-Identifier: BSD-3-Clause */
/* The GSI table of a VM: pins, MSI routes and the eventfds bound to them. */

#ifndef FERRY_KVM_IRQ_H
#define FERRY_KVM_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/kvm/vm.h"

/*
 * KVM_SET_GSI_ROUTING replaces the whole table, so one object owns every entry. Its lock is a leaf:
 * every function may be called with any other lock held, from any thread.
 */
struct kvm_irq;

/* An MSI as the guest programmed it. @device_id is the requester id (bus:devfn), for an ITS. */
struct kvm_msi_message {
	uint64_t address;
	uint32_t data;
	uint32_t device_id;
};

/* @first_msi: the lowest GSI for MSI routes, above every pin. NULL with @err set. */
struct kvm_irq *kvm_irq_create(struct kvm_vm *vm, unsigned int first_msi, struct err *err);
void kvm_irq_destroy(struct kvm_irq *irq);

/* Adds pin @pin of irqchip @chip (KVM_IRQCHIP_*) to @gsi's entries; a GSI may have several. */
int kvm_irq_add_pin(struct kvm_irq *irq, unsigned int gsi, unsigned int chip,
		    unsigned int pin) FERRY_MUST_CHECK;

/*
 * A GSI for an MSI route, freed ones first; -ENOSPC when KVM_CAP_IRQ_ROUTING's number is used up.
 */
int kvm_irq_alloc(struct kvm_irq *irq) FERRY_MUST_CHECK;
/* Gives it back; its route goes at the next commit. */
void kvm_irq_free(struct kvm_irq *irq, unsigned int gsi);

/* Stages @gsi's message (flags KVM_MSI_VALID_DEVID where KVM has KVM_CAP_MSI_DEVID). */
void kvm_irq_set_msi(struct kvm_irq *irq, unsigned int gsi, const struct kvm_msi_message *message);

/* Commits staged changes in one ioctl; none staged, no ioctl. 0 or -errno (staged again). */
int kvm_irq_commit(struct kvm_irq *irq) FERRY_MUST_CHECK;

/*
 * KVM_IRQFD: a signal of @eventfd raises @gsi. With @resample >= 0 the GSI is a level: it stays
 * raised until the guest's EOI, then @resample is signalled (KVM_IRQFD_FLAG_RESAMPLE).
 */
int kvm_irq_attach(struct kvm_irq *irq, unsigned int gsi, int eventfd,
		   int resample) FERRY_MUST_CHECK;
/* Returns when no signal of @eventfd can reach the guest any more. Not attached: no-op. */
void kvm_irq_detach(struct kvm_irq *irq, unsigned int gsi, int eventfd);

/* One entry of the table, or a GSI of kvm_irq_alloc() without a route yet. */
struct kvm_irq_route {
	unsigned int gsi;
	bool msi;
	unsigned int chip, pin;         /* unless `msi` */
	bool routed;                    /* with `msi`: `message` is staged or committed */
	struct kvm_msi_message message; /* with `msi` */
};

/*
 * The table at this moment into *@routes (to be freed), pins first, then by GSI; how many, or
 * -ENOMEM.
 */
int kvm_irq_list(struct kvm_irq *irq, struct kvm_irq_route **routes) FERRY_MUST_CHECK;

/* KVM_IRQ_LINE on a pin's GSI. On x86_64 @line is the GSI; aarch64 gives the full irq field. */
int kvm_irq_set_level(struct kvm_irq *irq, uint32_t line, bool level);

#endif
