/* SPDX-License-Identifier: BSD-3-Clause */
/* The hot-plug slot and the link of a root port: what is in it, its power, its events. */

#include "devices/pci/port_private.h"
#include "vmm/base/bits.h"

/* Config offsets. */
enum {
	LINK_CONTROL = PORT_EXPRESS + PCI_EXP_LNKCTL,
	LINK_STATUS = PORT_EXPRESS + PCI_EXP_LNKSTA,
	SLOT_CONTROL = PORT_EXPRESS + PCI_EXP_SLTCTL,
	SLOT_STATUS = PORT_EXPRESS + PCI_EXP_SLTSTA,
};

#define BANDWIDTH_EVENTS (PCI_EXP_LNKSTA_LBMS | PCI_EXP_LNKSTA_LABS)

static uint16_t slot_load(const struct pci_port *port, unsigned int offset)
{
	return load_le16(port->device.config + offset);
}

static void slot_set_bits(struct pci_port *port, unsigned int offset, uint16_t bits)
{
	store_le16(port->device.config + offset, slot_load(port, offset) | bits);
}

static bool slot_is_powered(const struct pci_port *port)
{
	return !(slot_load(port, SLOT_CONTROL) & PCI_EXP_SLTCTL_PCC);
}

/* Reset: Bridge 1.2 3.2.5.18; disabled: PCIe 5.0 7.5.3.7; off: 7.5.3.10. */
const char *pci_slot_why_down(const struct pci_port *port)
{
	if (!port->slot.present)
		return "nothing is in the slot of the port above";
	if (!slot_is_powered(port))
		return "the slot of the port above is switched off";
	if (slot_load(port, PCI_BRIDGE_CONTROL) & PCI_BRIDGE_CTL_BUS_RESET ||
	    slot_load(port, LINK_CONTROL) & PCI_EXP_LNKCTL_LD)
		return "the link is down at the port above";
	return NULL;
}

/* What the link and the slot are like at this moment (PCIe 5.0 7.5.3.8, 7.5.3.11). */
static void slot_show(struct pci_port *port)
{
	uint16_t link = slot_load(port, LINK_STATUS) & BANDWIDTH_EVENTS;
	uint16_t slot = slot_load(port, SLOT_STATUS) & (uint16_t)~PCI_EXP_SLTSTA_PDS;

	link |= PCI_EXP_LNKSTA_SLC;
	if (pci_port_link_is_up(port))
		link |= (uint16_t)(PCI_EXP_LNKSTA_DLLLA | port->link.speed |
				   port->link.width << PCI_EXP_LNKSTA_NLW_SHIFT);
	if (port->slot.present)
		slot |= PCI_EXP_SLTSTA_PDS;
	store_le16(port->device.config + LINK_STATUS, link);
	store_le16(port->device.config + SLOT_STATUS, slot);
}

void pci_slot_reset(struct pci_port *port)
{
	struct pci_slot *slot = &port->slot;

	slot->control = PCI_EXP_SLTCTL_ATTN_IND_OFF;
	if (slot->present)
		slot->control |= PCI_EXP_SLTCTL_PWR_IND_ON | PCI_EXP_SLTCTL_PWR_ON;
	else
		slot->control |= PCI_EXP_SLTCTL_PWR_IND_OFF | PCI_EXP_SLTCTL_PWR_OFF;
	store_le16(port->device.config + SLOT_CONTROL, slot->control);
	store_le16(port->device.config + SLOT_STATUS, 0);
	store_le16(port->device.config + LINK_STATUS, 0);
	slot_show(port);
	slot->was_up = pci_port_link_is_up(port);
	slot->events = 0;
	slot->woke = false;
	port->failed = false;
}

/* PCIe 5.0 6.7.3.1 and 6.7.3.3: a link that comes up or goes down is an event of its own. */
static void slot_follow(struct pci_port *port)
{
	bool up = pci_port_link_is_up(port);

	if (up != port->slot.was_up)
		slot_set_bits(port, SLOT_STATUS, PCI_EXP_SLTSTA_DLLSC);
	port->slot.was_up = up;
	port->failed = port->failed && up;
	slot_show(port);
}

bool pci_slot_goes_down(const struct pci_port *port, unsigned int offset, unsigned int size,
			uint32_t value)
{
	return (pci_write_sets(offset, size, value, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET) ||
		pci_write_sets(offset, size, value, LINK_CONTROL, PCI_EXP_LNKCTL_LD) ||
		pci_write_sets(offset, size, value, SLOT_CONTROL + 1, PCI_EXP_SLTCTL_PCC >> 8)) &&
	       pci_port_link_is_up(port);
}

static void slot_tell_owner(struct pci_port *port)
{
	struct pci_slot *slot = &port->slot;
	uint16_t control = slot_load(port, SLOT_CONTROL);
	bool changed = (control ^ slot->control) & (PCI_EXP_SLTCTL_PCC | PCI_EXP_SLTCTL_PIC);

	if (control & ~slot->control & PCI_EXP_SLTCTL_PCC)
		slot->switched_off++;
	slot->control = control;
	if (changed && slot->changed)
		slot->changed(slot->owner);
}

void pci_slot_written(struct pci_port *port, unsigned int offset, unsigned int size, uint32_t value)
{
	uint32_t link_capabilities = load_le32(port->device.config + PORT_EXPRESS + PCI_EXP_LNKCAP);

	slot_follow(port);
	/* PCIe 5.0 7.5.3.8: told where the link stayed up meanwhile. */
	if (pci_write_sets(offset, size, value, LINK_CONTROL, PCI_EXP_LNKCTL_RL) &&
	    link_capabilities & PCI_EXP_LNKCAP_LBNC && pci_port_link_is_up(port))
		slot_set_bits(port, LINK_STATUS, PCI_EXP_LNKSTA_LBMS);
	slot_tell_owner(port);
}

/* An event's enable bit is where the event is, but for that of the link. */
uint32_t pci_slot_events(const struct pci_port *port)
{
	uint16_t control = slot_load(port, SLOT_CONTROL), status = slot_load(port, SLOT_STATUS);
	uint32_t events = status & control & (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC);

	if (control & PCI_EXP_SLTCTL_DLLSCE)
		events |= status & PCI_EXP_SLTSTA_DLLSC;
	return events;
}

uint32_t pci_slot_wants(const struct pci_port *port)
{
	uint16_t link_enabled =
		slot_load(port, LINK_CONTROL) & (PCI_EXP_LNKCTL_LBMIE | PCI_EXP_LNKCTL_LABIE);
	uint32_t wants = slot_load(port, LINK_STATUS) & (uint32_t)link_enabled << 4;

	if (slot_load(port, SLOT_CONTROL) & PCI_EXP_SLTCTL_HPIE)
		wants |= pci_slot_events(port);
	return wants;
}

/* As after a write of the guest's: what the way to memory is has changed. */
static void slot_path_changed(struct pci_port *port)
{
	pci_host_unmap_stale(port->bus.host);
	pci_port_tell_below(port);
	pci_host_map_decoded(port->bus.host);
}

/*
 * Who puts a card into a slot that is off presses the button. A guest may wait for that alone: of
 * presence it need not hear then. It finds both at once, and need not give the person who pressed
 * it time to change their mind.
 */
static void slot_tell_of_arrival(struct pci_port *port)
{
	slot_set_bits(port, SLOT_STATUS, PCI_EXP_SLTSTA_PDC);
	if (!pci_port_link_is_up(port))
		slot_set_bits(port, SLOT_STATUS, PCI_EXP_SLTSTA_ABP);
	slot_follow(port);
	slot_path_changed(port);
	pci_port_interrupt(port);
}

void pci_port_insert(struct pci_port *port, const struct pci_link *link)
{
	struct pci_host *host = port->bus.host;

	pci_host_lock(&port->device);
	if (!port->slot.present) {
		port->slot.present = true;
		host->changed = true;
		if (link)
			pci_port_take_link(port, link);
		if (host->assigned)
			slot_tell_of_arrival(port);
		else
			pci_slot_reset(port);
	}
	pci_host_unlock(&port->device);
}

void pci_port_press(struct pci_port *port)
{
	pci_host_lock(&port->device);
	slot_set_bits(port, SLOT_STATUS, PCI_EXP_SLTSTA_ABP);
	pci_port_interrupt(port);
	pci_host_unlock(&port->device);
}

/*
 * Whether a guest that has the slot on would not hear of its link: it is at a reset of it, and
 * takes no events of the link meanwhile, or clears what there were. It need not hear of presence,
 * as above.
 */
static bool slot_link_goes_unheard(const struct pci_port *port)
{
	return slot_is_powered(port) &&
	       (!port->slot.was_up || !(slot_load(port, SLOT_CONTROL) & PCI_EXP_SLTCTL_DLLSCE));
}

static void slot_tell_of_leave(struct pci_port *port)
{
	uint16_t events = PCI_EXP_SLTSTA_PDC;

	if (slot_link_goes_unheard(port))
		events |= PCI_EXP_SLTSTA_ABP;
	slot_set_bits(port, SLOT_STATUS, events);
	slot_follow(port);
	slot_path_changed(port);
	pci_port_interrupt(port);
}

void pci_port_eject(struct pci_port *port)
{
	pci_host_lock(&port->device);
	if (port->slot.present) {
		port->slot.present = false;
		port->resetting = false;
		slot_tell_of_leave(port);
		port->bus.host->changed = true;
	}
	pci_host_unlock(&port->device);
}

struct pci_slot_state pci_port_slot(struct pci_port *port)
{
	struct pci_slot_state state;

	pci_host_lock(&port->device);
	state = pci_slot_state(port);
	pci_host_unlock(&port->device);
	return state;
}

struct pci_slot_state pci_slot_state(const struct pci_port *port)
{
	return (struct pci_slot_state){
		.present = port->slot.present,
		.powered = slot_is_powered(port),
		.blinking = (slot_load(port, SLOT_CONTROL) & PCI_EXP_SLTCTL_PIC) ==
			    PCI_EXP_SLTCTL_PWR_IND_BLINK,
		.switched_off = port->slot.switched_off,
	};
}
