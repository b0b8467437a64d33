/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's interrupts: the ways to set them in VFIO, INTx, and the vectors of MSI and MSI-X. */

#ifndef FERRY_VFIO_PCI_IRQ_H
#define FERRY_VFIO_PCI_IRQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/pci/msi.h"
#include "devices/pci/pci.h"
#include "vfio/backend.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/loop.h"
#include "vmm/kvm/irq.h"

/* VFIO_DEVICE_SET_IRQS in its forms; 0 or -errno (-ENOSPC: not as many vectors to be had). */

/* @eventfds[i] (-1: none) is signalled by vector @start + i of @index. Any range. */
int vfio_irq_trigger(struct vfio_backend *backend, uint32_t index, uint32_t start, uint32_t count,
		     const int *eventfds) FERRY_MUST_CHECK;
/*
 * Turns vectors [0, @count) of @index on, as far as they have an eventfd. A positive answer: none
 * is on, and so many could be.
 */
int vfio_irq_enable(struct vfio_backend *backend, uint32_t index, uint32_t count,
		    const int *eventfds) FERRY_MUST_CHECK;
/* A signal of @eventfd unmasks INTx. */
int vfio_irq_resample(struct vfio_backend *backend, int eventfd) FERRY_MUST_CHECK;
/* Turns every vector of @index off. */
int vfio_irq_disable(struct vfio_backend *backend, uint32_t index) FERRY_MUST_CHECK;
int vfio_irq_mask(struct vfio_backend *backend, uint32_t index, uint32_t vector) FERRY_MUST_CHECK;
int vfio_irq_unmask(struct vfio_backend *backend, uint32_t index, uint32_t vector) FERRY_MUST_CHECK;
/* How many vectors @index has, 0 when absent; @noresize as VFIO_IRQ_INFO_NORESIZE (may be NULL). */
uint32_t vfio_irq_count(struct vfio_backend *backend, uint32_t index, bool *noresize);

/* INTx: a trigger towards KVM and, at the guest's EOI, a resample towards VFIO. */
struct vfio_intx {
	int trigger, resample;               /* eventfds that KVM has, -1 while off */
	int device_trigger, device_resample; /* VFIO's own, relayed, with a trace; else -1 */
	unsigned int gsi;
	uint64_t raised, ended; /* as far as they are relayed */
};

struct vfio_vector {
	int eventfd;        /* -1: never unmasked since enable */
	int device_eventfd; /* what VFIO signals, relayed, with a trace; else -1: `eventfd` */
	int gsi;            /* -1: likewise */
	bool wanted;        /* the guest has it unmasked */
	bool routed;        /* `message` is staged or committed */
	bool attached;
	bool wired;         /* the device signals `eventfd` */
	bool pending;       /* signalled while masked */
	uint64_t signalled; /* with a relay: how often that had something to pass on */
	struct kvm_msi_message message;
};

struct vfio_irqs;
struct vfio_trace;

/* The owner handed to pci_msi and pci_msix. */
struct vfio_irq_side {
	struct vfio_irqs *irqs;
	uint32_t index;
	bool noresize;
	uint32_t count; /* VFIO's own number of vectors, 0 when it has none */
};

/*
 * Everything about interrupts of one device, under its device lock. The three modes exclude each
 * other in VFIO: `active` is the side in use, NULL for INTx or nothing.
 */
struct vfio_irqs {
	struct pci_device *device;
	struct vfio_backend *backend;
	struct kvm_irq *kvm;
	struct vfio_trace *trace; /* NULL: none, and no relays */
	struct loop *loop;        /* serves the relays */
	struct log_limit limit;
	bool has_intx;
	bool armed; /* INTx comes back when MSI and MSI-X are off */
	struct vfio_intx intx;
	struct vfio_irq_side msi, msix;
	struct vfio_irq_side *active;
	struct vfio_vector *vectors;
	unsigned int count;
	unsigned int span;       /* vectors [0, span) exist in the kernel; 0 while off */
	unsigned int first, end; /* touched since the last flush */
	bool touched;
};

extern const struct pci_msi_ops vfio_vector_ops;

/* Asks the back end what there is; nothing is turned on. */
void vfio_irqs_init(struct vfio_irqs *irqs, struct pci_device *device, struct vfio_backend *backend,
		    struct kvm_irq *kvm);

/*
 * Finds out how many vectors the host has for MSI, which a guest takes all at once, by turning them
 * on and off: fewer are to be offered then. No interrupt is on, the function is quiet and awake.
 */
void vfio_irqs_limit_msi(struct vfio_irqs *irqs);

/*
 * Turns INTx on where the device has it and lets it come back whenever MSI and MSI-X are off. The
 * function is on its bus. A failure is @err's, with nothing left on.
 */
int vfio_irqs_arm(struct vfio_irqs *irqs, struct err *err) FERRY_MUST_CHECK;

/* irqfds gone, then everything off in VFIO, then the eventfds closed. INTx stays off. */
void vfio_irqs_stop(struct vfio_irqs *irqs);

/* Lists every eventfd behind @count others, as vfio_list(). */
size_t vfio_irqs_descriptors(const struct vfio_irqs *irqs, int *descriptors, size_t room,
			     size_t count);

/*
 * relay.c: with a trace, a watched eventfd for VFIO in *@fd unless it has one; 0 and no eventfd
 * without. Of a @vector it may be one too many. Device lock held, as for the others.
 */
int vfio_relay_open(struct vfio_irqs *irqs, int *fd, bool vector) FERRY_MUST_CHECK;
int vfio_relay_watch(struct vfio_irqs *irqs, int fd) FERRY_MUST_CHECK;
void vfio_relay_close(struct vfio_irqs *irqs, int *fd);
/* Passes on what was signalled and not yet seen. */
void vfio_relay_pass(struct vfio_irqs *irqs);

/* What VFIO is given: the relay where there is one. */
static inline int vfio_relay_end(int device_eventfd, int eventfd)
{
	return device_eventfd >= 0 ? device_eventfd : eventfd;
}

/* For vectors.c. */
int vfio_intx_start(struct vfio_irqs *irqs, struct err *err) FERRY_MUST_CHECK;
void vfio_intx_stop(struct vfio_irqs *irqs);
void vfio_vectors_stop(struct vfio_irqs *irqs);

#endif
