/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCI Express root port: a function of the root bus with a bus, a link and a slot below it. */

#ifndef FERRY_DEVICES_PCI_PORT_H
#define FERRY_DEVICES_PCI_PORT_H

#include <stdint.h>

#include "devices/pci/pci.h"
#include "vmm/base/err.h"
#include "vmm/kvm/irq.h"

struct pci_port;

/* A link and its two ends, each number as its register has it (PCIe 5.0 7.5.3.3 to 7.5.3.18). */
struct pci_link {
	unsigned int speed_max, width_max; /* Link Capabilities */
	unsigned int speeds;               /* Link Capabilities 2: bit n is speed n + 1 */
	unsigned int speed, width;         /* Link Status */
	unsigned int payload_max;          /* Device Capabilities */
	unsigned int payload;              /* Device Control, as firmware would set it */
};

struct pci_port_config {
	const char *name;     /* for messages */
	struct pci_link link; /* all 0: the least there is */
	struct kvm_irq *irq;  /* of its MSI; outlives the port */
};

/*
 * Puts a root port into the lowest slot of the root bus that is free, with the next bus number,
 * which is its physical slot's too, and closed windows. The host owns it. NULL with @err set where
 * slots or buses are used up.
 */
struct pci_port *pci_port_create(struct pci_host *host, const struct pci_port_config *config,
				 struct err *err);

/*
 * Puts @device behind the port: a link has one device, of up to 8 functions (PCIe 5.0 7.3.1). As
 * pci_host_add() otherwise.
 */
int pci_port_add(struct pci_port *port, struct pci_device *device, unsigned int function,
		 struct err *err) FERRY_MUST_CHECK;

#endif
