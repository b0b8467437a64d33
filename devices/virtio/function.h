/* SPDX-License-Identifier: BSD-3-Clause */
/* The way to a virtio device over PCI (VIRTIO 1.2 4.1): a modern function with MSI-X and INTx. */

#ifndef FERRY_DEVICES_VIRTIO_FUNCTION_H
#define FERRY_DEVICES_VIRTIO_FUNCTION_H

#include <stdio.h>

#include "devices/pci/pci.h"
#include "devices/virtio/device.h"
#include "memory/ram.h"
#include "vmm/base/err.h"
#include "vmm/base/loop.h"
#include "vmm/kvm/irq.h"

/* Bytes of 64-bit memory BARs that one function takes. */
enum { VIRTIO_FUNCTION_BAR_SIZE = 32 * 1024 };

/* What the function needs of the machine; all of it outlives the function. */
struct virtio_function_setup {
	struct pci_host *host;
	struct kvm_irq *irq;
	struct loop *loop;
	const struct ram *ram;
	/* Accesses that were answered MEM_NOT_YET may come again. Any thread, no lock held. */
	void (*wake)(void *machine);
	void *machine;
};

/*
 * Puts @device on the root bus as a function of its own, in the lowest slot that is free; the bus
 * owns both from success on. Otherwise @device is destroyed. A negative errno with @err.
 */
int virtio_function_create(struct virtio_device *device, const struct virtio_function_setup *setup,
			   struct err *err) FERRY_MUST_CHECK;

/*
 * While the machine @stands its devices do nothing either; what is under way comes to its end. Main
 * thread, no lock held.
 */
void virtio_function_stand(struct virtio_device *device, bool stands);

/*
 * All virtio functions on the bus, for a person: features, status, and of each queue where it is
 * and how far. No lock held.
 */
void virtio_describe(struct pci_host *host, FILE *out);

#endif
