/* SPDX-License-Identifier: BSD-3-Clause */
/* How a root port interrupts for its slot and its errors: by MSI, or by INTx as a level. */

#include <sys/epoll.h>

#include "devices/pci/port_private.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

/* For INTx, which a guest must not find used up by its vectors. */
enum { SIGNAL_DESCRIPTORS = 2 };

/* A PME, among what there is to tell: a bit that is none of the slot's and of the errors'. */
#define SIGNAL_WAKE (1U << 31)

void pci_port_signal_init(struct pci_port *port)
{
	port->signal.trigger = port->signal.resample = -1;
	fd_reserve(SIGNAL_DESCRIPTORS);
}

void pci_port_signal_release(struct pci_port *port)
{
	pci_port_signal_reset(port);
	fd_reserve(-SIGNAL_DESCRIPTORS);
}

/*
 * The guest's end of interrupt, of any device on the line: KVM has lowered it. Whoever still wants
 * it raises it again.
 */
static void signal_on_end(void *owner, uint32_t events)
{
	struct pci_port *port = owner;
	struct pci_port_signal *signal = &port->signal;

	(void)events;
	pthread_mutex_lock(&port->device.lock);
	/* It may be low by now, or raised anew. */
	if (signal->resample >= 0 && fd_take(signal->resample))
		fd_signal(signal->trigger);
	pthread_mutex_unlock(&port->device.lock);
}

static void signal_close(struct pci_port *port)
{
	struct pci_port_signal *signal = &port->signal;

	if (signal->resample >= 0)
		loop_remove(port->loop, signal->resample);
	fd_close(&signal->resample);
	fd_close(&signal->trigger);
}

static int signal_open(struct pci_port *port)
{
	struct pci_port_signal *signal = &port->signal;
	struct err err = {0};
	int rc;

	signal->gsi = (unsigned int)pci_device_intx_gsi(&port->device);
	signal->trigger = fd_eventfd();
	if (signal->trigger < 0)
		return signal->trigger;
	signal->resample = fd_eventfd();
	if (signal->resample < 0)
		return signal->resample;
	rc = loop_add(port->loop, signal->resample, EPOLLIN, signal_on_end, port, &err);
	return rc ? rc : kvm_irq_attach(port->irq, signal->gsi, signal->trigger, signal->resample);
}

/*
 * Only while it is raised is there an irqfd: the line is shared with what is behind the port, and
 * each end of interrupt would wake the loop.
 */
static void signal_raise(struct pci_port *port)
{
	int rc = signal_open(port);

	if (rc) {
		log_guest(&port->signal.limit, LOG_ERROR,
			  "%s: its INTx does not reach the guest: %s: the guest must use MSI",
			  port->device.name, err_text(rc));
		signal_close(port);
		return;
	}
	fd_signal(port->signal.trigger);
}

/* With nobody else on the line it is low at once, else after the next end of interrupt. */
static void signal_lower(struct pci_port *port)
{
	kvm_irq_detach(port->irq, port->signal.gsi, port->signal.trigger);
	signal_close(port);
}

static void signal_set_level(struct pci_port *port, bool level)
{
	bool raised = port->signal.trigger >= 0;

	if (level && !raised)
		signal_raise(port);
	else if (!level && raised)
		signal_lower(port);
}

/* PCIe 5.0 7.5.1.1.4: shown whether or not the interrupt is disabled. */
static void signal_show(struct pci_port *port, bool pending)
{
	uint8_t *status = port->device.config + PCI_STATUS;

	*status &= (uint8_t)~PCI_STATUS_INTERRUPT;
	if (pending)
		*status |= PCI_STATUS_INTERRUPT;
}

/* A message is a write to memory like any other (PCIe 5.0 7.5.1.1.3). */
static void signal_send(struct pci_port *port, uint32_t wants)
{
	if (!(port->device.config[PCI_COMMAND] & PCI_COMMAND_MASTER))
		return;
	if (wants & ~port->signal.told && pci_vectors_count(port->vectors) > 0)
		pci_vectors_signal(port->vectors, 0);
	port->signal.told |= wants;
}

/* Whatever a port that sleeps has to tell, it wakes up first: all that it tells then is the PME. */
void pci_port_interrupt(struct pci_port *port)
{
	uint16_t command = load_le16(port->device.config + PCI_COMMAND);
	bool msi = port->msi.enabled;
	uint32_t wants, told;

	pci_wake_follow(port);
	wants = pci_slot_wants(port) | pci_errors_wants(port);
	if (pci_wake_wants(port))
		wants |= SIGNAL_WAKE;
	told = pci_port_is_awake(port) ? wants : wants & SIGNAL_WAKE;
	signal_show(port, wants && !msi);
	signal_set_level(port, told && !msi && !(command & PCI_COMMAND_INTX_DISABLE));
	port->signal.told &= msi ? wants : 0;
	if (msi)
		signal_send(port, told);
}

void pci_port_signal_reset(struct pci_port *port)
{
	signal_set_level(port, false);
	port->signal.told = 0;
}
