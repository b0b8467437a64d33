/* SPDX-License-Identifier: BSD-3-Clause */
/* From a device to the eventfds that the guest's interrupts are: INTx, MSI and MSI-X in VFIO. */

#ifndef FERRY_VFIO_PCI_WIRES_H
#define FERRY_VFIO_PCI_WIRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/pci/pci.h"
#include "devices/pci/vectors.h"
#include "vfio/backend.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/loop.h"
#include "vmm/kvm/irq.h"

/* INTx: a trigger towards KVM and, at the guest's EOI, a resample towards VFIO. */
struct vfio_intx {
	int trigger, resample;               /* eventfds that KVM has, -1 while off */
	int device_trigger, device_resample; /* VFIO's own, relayed, with a trace; else -1 */
	unsigned int gsi;
	uint64_t raised, ended; /* as far as they are relayed */
};

/* Of one vector; the eventfd that it leads to is pci_vectors_eventfd(). */
struct vfio_wire {
	int relay;          /* with a trace: what VFIO signals and the loop passes on; else -1 */
	bool connected;     /* the device signals it */
	uint64_t signalled; /* with a relay: how often that had something to pass on */
};

/* What VFIO has of one mode. */
struct vfio_wires_mode {
	uint32_t index;
	uint32_t count; /* of vectors, 0 when it has none */
	bool noresize;
};

struct vfio_trace;

/*
 * Everything about interrupts of one device, under its device lock. The three modes exclude each
 * other in VFIO: with pci_vectors_mode() PCI_VECTORS_OFF it is INTx or nothing.
 */
struct vfio_wires {
	struct pci_device *device;
	struct vfio_backend *backend; /* NULL once the device is given back */
	struct kvm_irq *kvm;
	struct vfio_trace *trace; /* NULL: none, and no relays */
	struct loop *loop;        /* serves the relays */
	struct log_limit limit;
	bool has_intx;
	bool armed; /* INTx comes back when MSI and MSI-X are off */
	struct vfio_intx intx;
	struct vfio_wires_mode modes[PCI_VECTORS_MSIX + 1];
	struct pci_vectors *vectors;
	struct vfio_wire *wire; /* one for each vector */
	unsigned int span;      /* vectors [0, span) exist in the kernel; 0 while off */
};

/* Asks the back end what there is; nothing is turned on. -ENOMEM; then there is nothing to free. */
int vfio_wires_init(struct vfio_wires *wires, struct pci_device *device,
		    struct vfio_backend *backend, struct kvm_irq *kvm) FERRY_MUST_CHECK;
/* After vfio_wires_stop(), or where nothing was turned on. */
void vfio_wires_release(struct vfio_wires *wires);

/*
 * Finds out how many vectors the host has for MSI, which a guest takes all at once, by turning them
 * on and off: fewer are to be offered then. No interrupt is on, the function is quiet and awake.
 */
void vfio_wires_limit_msi(struct vfio_wires *wires);

/* How many vectors of @mode the guest may be offered. */
static inline uint32_t vfio_wires_count(const struct vfio_wires *wires, enum pci_vectors_mode mode)
{
	return wires->modes[mode].count;
}

/*
 * Turns INTx on where the device has it and lets it come back whenever MSI and MSI-X are off. The
 * function is on its bus. A failure is @err's, with nothing left on.
 */
int vfio_wires_arm(struct vfio_wires *wires, struct err *err) FERRY_MUST_CHECK;

/* irqfds gone, then everything off in VFIO, then the eventfds closed. INTx stays off. */
void vfio_wires_stop(struct vfio_wires *wires);

/* Lists every eventfd behind @count others, as vfio_list(). */
size_t vfio_wires_descriptors(const struct vfio_wires *wires, int *descriptors, size_t room,
			      size_t count);

#endif
