/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of MSI and MSI-X into the guest: for each vector an eventfd, a GSI, a route, an irqfd. */

#ifndef FERRY_DEVICES_PCI_VECTORS_H
#define FERRY_DEVICES_PCI_VECTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/kvm/irq.h"

/*
 *        wire             irqfd           route
 * device ----> eventfd ----------> GSI ----------> the guest's message
 *  (the owner's)     (while unmasked)  (committed in batches)
 *
 * The guest's side is msi.c and msix.c, which call pci_vectors_enable() to pci_vectors_flush(). The
 * device's side is the owner's, by its wires: a passed-through function has VFIO signal the
 * eventfds. An eventfd and a GSI come with the first unmask and stay until the mode ends. A masked
 * vector has no irqfd: what the device signals meanwhile stays in the eventfd, is told as pending,
 * and is delivered once at the unmask. Whoever signals an eventfd may be a server that has it block
 * and fills it: it is read without waiting for it, and pci_vectors_signal() alone writes to one.
 *
 * Locks: every function here, and every one of the wires, is called with the function's device lock
 * held. Of the order (PCI host, device, map, peers) nothing below the device lock is taken but
 * leaves: the GSI table's and the log's. Whoever signals an eventfd needs no lock.
 */
struct pci_vectors;

/* They exclude each other: the one that is enabled last counts. */
enum pci_vectors_mode { PCI_VECTORS_OFF, PCI_VECTORS_MSI, PCI_VECTORS_MSIX };

/* How the owner has its device signal the eventfds. No member is NULL. */
struct pci_wires_ops {
	/*
	 * The function goes over to @mode, in which the guest sees @count vectors; none (0) with
	 * PCI_VECTORS_OFF. The old mode's wires end: its irqfds are gone by then, and its eventfds
	 * are closed at the return. How many of @count there are, or -errno for none.
	 */
	int (*set_mode)(void *owner, enum pci_vectors_mode mode, unsigned int count);
	/*
	 * Ends a batch: of the vectors [@first, @end) some may have an eventfd since the last, see
	 * pci_vectors_eventfd(). After set_mode() it comes in any case: the device is to be enabled
	 * even with nothing unmasked. 0, or the errno of one that has no wire; it comes again with
	 * the next batch about it.
	 */
	int (*connect)(void *owner, unsigned int first, unsigned int end);
	/* What is still on its way to an eventfd arrives there now. */
	void (*pass)(void *owner);
};

/*
 * For the function @name of a VM with the table @irq; these and @owner outlive it. Off. NULL when
 * out of memory.
 */
struct pci_vectors *pci_vectors_create(const char *name, struct kvm_irq *irq,
				       const struct pci_wires_ops *wires, void *owner);
/* They are off by then, or nothing was ever enabled. NULL is allowed. */
void pci_vectors_destroy(struct pci_vectors *vectors);

/*
 * What the guest does. A call about another mode than the one in use, or a vector beyond the last,
 * does nothing. Failures are told in the log; the rest goes on.
 */

/* @count vectors of @mode, all masked; whatever was in use ends. */
void pci_vectors_enable(struct pci_vectors *vectors, enum pci_vectors_mode mode,
			unsigned int count);
/* Irqfds gone, then wires, then GSIs and eventfds. The owner itself may call it at any time. */
void pci_vectors_disable(struct pci_vectors *vectors, enum pci_vectors_mode mode);
/* @vector is live with @message; again, when the message of a live one changed. */
void pci_vectors_unmask(struct pci_vectors *vectors, enum pci_vectors_mode mode,
			unsigned int vector, const struct kvm_msi_message *message);
/* @vector does not reach the guest from the return on. */
void pci_vectors_mask(struct pci_vectors *vectors, enum pci_vectors_mode mode, unsigned int vector);
/* Whether @vector, masked, was signalled. */
bool pci_vectors_pending(struct pci_vectors *vectors, enum pci_vectors_mode mode,
			 unsigned int vector);
/* Ends each access that caused any of these: routes in one commit, then irqfds, then wires. */
void pci_vectors_flush(struct pci_vectors *vectors, enum pci_vectors_mode mode);

/* What the owner's wires need. */

enum pci_vectors_mode pci_vectors_mode(const struct pci_vectors *vectors);
/* How many there are in the mode; 0 while off. */
unsigned int pci_vectors_count(const struct pci_vectors *vectors);
/*
 * For the device to signal, closed when the mode ends; negative while the guest never unmasked it
 * or there was none to be had.
 */
int pci_vectors_eventfd(const struct pci_vectors *vectors, unsigned int vector);
/* As the device would: delivered, or pending while masked. @vector is below the count. */
void pci_vectors_signal(struct pci_vectors *vectors, unsigned int vector);
/*
 * The same of a vector whose eventfd a server may have too, which pci_vectors_signal() is not for.
 */
void pci_vectors_raise(struct pci_vectors *vectors, unsigned int vector);
/* A line in the log, limited: @what failed of the mode in use. */
void pci_vectors_complain(struct pci_vectors *vectors, const char *what, int rc);

/* For a person: one vector below the count, as it is at this moment. */
struct pci_vector_state {
	int gsi;       /* negative: never unmasked, or none to be had */
	bool unmasked; /* by the guest */
	bool attached; /* has its irqfd */
	struct kvm_msi_message message;
};
struct pci_vector_state pci_vectors_state(const struct pci_vectors *vectors, unsigned int vector);

#endif
