/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of a root port share: its registers' places, its slot, its interrupt. */

#ifndef FERRY_DEVICES_PCI_PORT_PRIVATE_H
#define FERRY_DEVICES_PCI_PORT_PRIVATE_H

#include <linux/pci_regs.h>

#include "devices/pci/host.h"
#include "devices/pci/msi.h"
#include "devices/pci/port.h"

/* Where its capabilities are. */
enum {
	PORT_POWER = 0x40,
	PORT_EXPRESS = 0x48,
	PORT_MESSAGES = 0x84,
	PORT_ERRORS = 0x100,
	PORT_ACCESS = 0x148,
};

/* What its registers do not tell of the slot. Host lock and the port's held to change it. */
struct pci_slot {
	bool present;              /* what is behind the port was inserted */
	bool was_up;               /* the link, as the slot's events have it */
	uint16_t control;          /* Slot Control, as slot_changed was last told */
	unsigned int switched_off; /* how often, by the guest */
	uint32_t events;           /* there are, of those that software asks for */
	bool woke;                 /* PME was sent, and what it was sent for is still so */
	void (*changed)(void *owner);
	void *owner;
};

/* The way of a port's interrupt; the port's lock held to change it. */
struct pci_port_signal {
	uint32_t told;    /* what MSI has told the guest of and is still so, as of what it wants */
	int trigger;      /* INTx: eventfd, while it is raised; else -1 */
	int resample;     /* INTx: eventfd of the guest's end of interrupt, likewise */
	unsigned int gsi; /* INTx: where it is raised */
	struct log_limit limit;
};

struct pci_port {
	struct pci_device device;
	struct pci_bus bus;
	unsigned int number; /* of its physical slot and, at power-on, of its bus */
	struct pci_link link;
	struct kvm_irq *irq;
	struct loop *loop;
	struct pci_vectors *vectors;
	struct pci_msi msi;
	uint8_t power;         /* the state it is in: not all that can be written exist */
	bool resetting;        /* the guest's write that resets the link waits ... */
	uint8_t reset_awaited; /* ... for these functions, by bit */
	bool failed;           /* a fatal error came from below, and the link was up since */
	struct pci_room room[PCI_WINDOWS];
	struct pci_slot slot;
	struct pci_port_signal signal;
};

/* Both locks held in all of these, unless a comment says otherwise. */

/* port.c */

static inline bool pci_port_is_awake(const struct pci_port *port)
{
	return (port->device.config[PORT_POWER + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK) == 0;
}

/* Tells what is behind it that the way to the root bus has changed. */
void pci_port_tell_below(const struct pci_port *port);

/* port_registers.c */

/* Config space at power-on, and its masks, with a link such as @link. On no bus yet, no lock. */
void pci_port_set_registers(struct pci_port *port, const struct pci_link *link);

/* The link is like @link, of which 0 is the least there is. What it could do before stays. */
void pci_port_take_link(struct pci_port *port, const struct pci_link *link);

/* slot.c */

/* At power-on, without events: on when something is in it. */
void pci_slot_reset(struct pci_port *port);

/* Whether the write, which comes next, takes the link down. */
bool pci_slot_goes_down(const struct pci_port *port, unsigned int offset, unsigned int size,
			uint32_t value);

/* Follows a write to any of the port's registers. */
void pci_slot_written(struct pci_port *port, unsigned int offset, unsigned int size,
		      uint32_t value);

/* What of its events the guest wants to be told, by bit of Slot Status or Link Status. */
uint32_t pci_slot_wants(const struct pci_port *port);

/* Its events, there and asked for, whether or not by an interrupt, by bit of Slot Status. */
uint32_t pci_slot_events(const struct pci_port *port);

struct pci_slot_state pci_slot_state(const struct pci_port *port);

/* NULL: the link is up; else why not, for a person. */
const char *pci_slot_why_down(const struct pci_port *port);

static inline bool pci_port_link_is_up(const struct pci_port *port)
{
	return !pci_slot_why_down(port);
}

/* errors.c */

/* What of the errors that it has received software wants to be told; not a bit of the slot's. */
uint32_t pci_errors_wants(const struct pci_port *port);

/* Whether a write to [@offset, @offset + @size) can change which errors software hears of. */
bool pci_errors_touched(unsigned int offset, unsigned int size);

/* wake.c */

/* Has a port that sleeps send PME for an event of its slot's that is new. */
void pci_wake_follow(struct pci_port *port);

/* Whether software wants to be told of a PME that was received. */
bool pci_wake_wants(const struct pci_port *port);

/* port_signal.c */

/* On no bus, no lock; released with INTx raised or not. */
void pci_port_signal_init(struct pci_port *port);
void pci_port_signal_release(struct pci_port *port);

/*
 * To call whenever what there is to tell the guest, or how, may have changed. MSI sends a message
 * for whatever is new; INTx is a level (PCIe 5.0 6.7.3.4, 6.2.4.1.2).
 */
void pci_port_interrupt(struct pci_port *port);

/* Takes INTx down and forgets what was told: a reset, or the end. */
void pci_port_signal_reset(struct pci_port *port);

#endif
