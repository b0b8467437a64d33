/* SPDX-License-Identifier: BSD-3-Clause */
/* How a port that sleeps wakes the guest for its slot: PME of its own (PCIe 5.0 6.7.3.4, 6.1.6). */

#include "devices/pci/port_private.h"
#include "vmm/base/bits.h"

enum {
	POWER_CONTROL = PORT_POWER + PCI_PM_CTRL,
	ROOT_CONTROL = PORT_EXPRESS + PCI_EXP_RTCTL,
	ROOT_STATUS = PORT_EXPRESS + PCI_EXP_RTSTA,
};

/*
 * Root Status has who sent it. It is the port itself always: VFIO lets no device send PME, so that
 * none ever waits for another to be dealt with.
 */
static void wake_receive(struct pci_port *port)
{
	uint8_t *status = port->device.config + ROOT_STATUS;

	store_le32(status, PCI_EXP_RTSTA_PME | pci_device_requester(&port->device));
}

void pci_wake_follow(struct pci_port *port)
{
	struct pci_slot *slot = &port->slot;
	uint8_t *control = port->device.config + POWER_CONTROL;
	const uint16_t sends = PCI_PM_CTRL_PME_STATUS | PCI_PM_CTRL_PME_ENABLE;
	uint32_t events = pci_slot_events(port);
	bool sent;

	if (events & ~slot->events && !pci_port_is_awake(port))
		store_le16(control, load_le16(control) | PCI_PM_CTRL_PME_STATUS);
	slot->events = events;
	sent = (load_le16(control) & sends) == sends;
	if (sent && !slot->woke)
		wake_receive(port);
	slot->woke = sent;
}

bool pci_wake_wants(const struct pci_port *port)
{
	const uint8_t *config = port->device.config;

	return load_le16(config + ROOT_CONTROL) & PCI_EXP_RTCTL_PMEIE &&
	       load_le32(config + ROOT_STATUS) & PCI_EXP_RTSTA_PME;
}
