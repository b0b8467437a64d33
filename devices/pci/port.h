/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCI Express root port: a function of the root bus with a bus, a link and a slot below it. */

#ifndef FERRY_DEVICES_PCI_PORT_H
#define FERRY_DEVICES_PCI_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/pci/pci.h"
#include "devices/pci/window.h"
#include "vmm/base/err.h"
#include "vmm/base/loop.h"
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
	const char *name;     /* for messages; NULL: that of its slot, as slot3 */
	struct pci_link link; /* all 0: the least there is */
	struct kvm_irq *irq;  /* of its MSI and its INTx; outlives the port */
	struct loop *loop;    /* serves its INTx; the main thread's, likewise */
	/*
	 * Bytes that each window (enum pci_window) has at least, aligned to the largest power of
	 * two in them. Memory is refused where it does not fit; I/O is left out.
	 */
	uint64_t room[PCI_WINDOWS];
	/*
	 * The guest has written the slot's power or power indicator. Any vCPU's thread, host lock
	 * and the port's held: only to be passed on. May be NULL.
	 */
	void (*slot_changed)(void *owner);
	void *owner;
};

/*
 * Puts a root port into the lowest slot of the root bus that is free, with the next bus number,
 * which is its physical slot's too, and closed windows. The slot is empty and switched off. The
 * host owns it. NULL with @err set where slots or buses are used up.
 */
struct pci_port *pci_port_create(struct pci_host *host, const struct pci_port_config *config,
				 struct err *err);

/* Its physical slot's number, as users write it in "slot3". It never changes. */
unsigned int pci_port_number(const struct pci_port *port);

/*
 * Puts @device behind the port: a link has one device, of up to 8 functions (PCIe 5.0 7.3.1). As
 * pci_host_add() otherwise, which both may be called while the guest runs. The guest does not reach
 * it before pci_port_insert().
 */
int pci_port_add(struct pci_port *port, struct pci_device *device, unsigned int function,
		 struct err *err) FERRY_MUST_CHECK;

/*
 * The slot is a native hot-plug slot (PCIe 5.0 6.7) with attention button, power controller and
 * indicators. What the guest finds in it is what was inserted and not ejected. A reset of the
 * machine changes nothing of that: the slot is then on when something is in it, else off, without
 * events.
 *
 * The main thread calls these, with no lock held.
 */

/*
 * All functions were added: the slot tells of them, with its events. Where its link stays down, the
 * attention button is pressed too: only that may have the guest switch the slot on. Before
 * pci_host_assign() the slot is then on, without events. @link is that of the functions, NULL: it
 * is as it was. Does nothing where something is in the slot already.
 */
void pci_port_insert(struct pci_port *port, const struct pci_link *link);

/* Presses the attention button once: the guest is asked to switch the slot off, or on. */
void pci_port_press(struct pci_port *port);

/*
 * The slot is empty and its link down, with their events: nothing of what is behind it is reached,
 * mapped or passed up any more. Where the guest would not hear of the link, as in a reset of it,
 * the attention button is pressed too. A write of the guest's that waits for a reset of the link
 * may end: the caller wakes it. Where nothing is in it, it does nothing.
 */
void pci_port_eject(struct pci_port *port);

struct pci_slot_state {
	bool present;              /* something is in it, as the guest sees it */
	bool powered;              /* the guest has it on */
	bool blinking;             /* its power indicator: the guest is about to change that */
	unsigned int switched_off; /* how often the guest has done that so far */
};
struct pci_slot_state pci_port_slot(struct pci_port *port);

/*
 * Takes @device off the port's bus; it is the caller's again, ops->destroy is not called. Either
 * it was never inserted, or it is ejected by then with vCPUs parked, so that none is in a handler
 * of its BARs.
 */
void pci_port_remove(struct pci_port *port, struct pci_device *device);

/*
 * Whether @device, which is on no bus yet, would have each of its BARs in the port's window of that
 * kind as the guest has programmed it now, beside those of the functions behind the port. -ENOSPC
 * with @err saying what does not fit. I/O BARs do not count: a driver does without.
 */
int pci_port_check_room(struct pci_port *port, const struct pci_device *device,
			struct err *err) FERRY_MUST_CHECK;

/*
 * Errors (PCIe 5.0 6.2): messages of what is behind the port, which arrive at it and which software
 * may have it interrupt for.
 */
enum pci_error { PCI_ERROR_CORRECTABLE, PCI_ERROR_NONFATAL, PCI_ERROR_FATAL };

/* The port that @device is behind; NULL on the root bus. */
struct pci_port *pci_device_port(const struct pci_device *device);

/* Whether the guest finds what is behind the port: the link is up. Host lock held. */
bool pci_port_is_linked(const struct pci_port *port);

/* Whether what is behind the port has power: it was inserted, and the slot is on. Likewise. */
bool pci_port_has_power(const struct pci_port *port);

/*
 * Whether the port would interrupt for such an error of @from, which is behind it, or of its own
 * (NULL). Host lock held.
 */
bool pci_port_hears(const struct pci_port *port, const struct pci_device *from,
		    enum pci_error error);

/*
 * @from reports an error to the port; NULL: a fatal one is the port's own, an internal one. After a
 * fatal one that the port has let through no other is taken until the link has gone down. Main
 * thread, no lock held.
 */
void pci_port_report(struct pci_port *port, const struct pci_device *from, enum pci_error error);

#endif
