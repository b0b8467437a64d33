/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions on their bus: addition, order, locks, requester ids and INTx routing. */

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "devices/pci/host.h"
#include "vmm/base/bits.h"

enum { MULTI_FUNCTION = 0x80 }; /* of the header type */

static size_t bus_count_slices(const struct pci_device *device)
{
	size_t count = 0;

	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++)
		count += device->bars[i].slice_count;
	return count;
}

static void bus_set_multi_function(uint8_t *header_type, bool others)
{
	*header_type = (uint8_t)((*header_type & ~MULTI_FUNCTION) | (others ? MULTI_FUNCTION : 0));
}

/* PCI 3.0 6.2.1: function 0 tells whether the slot has others. */
static void bus_mark_multi_function(struct pci_bus *bus, unsigned int slot)
{
	struct pci_device **functions = &bus->devices[slot * PCI_FUNCTIONS];
	bool others = false;

	for (unsigned int i = 1; i < PCI_FUNCTIONS; i++)
		others = others || functions[i];
	if (!functions[0])
		return;
	pthread_mutex_lock(&functions[0]->lock);
	bus_set_multi_function(functions[0]->config + PCI_HEADER_TYPE, others);
	bus_set_multi_function(functions[0]->reset_config + PCI_HEADER_TYPE, others);
	pthread_mutex_unlock(&functions[0]->lock);
}

static int bus_make_room(struct pci_host *host, size_t slices)
{
	struct mem_change *changes = realloc(host->changes, (slices + 1) * sizeof(*changes));
	struct pci_device **added;

	if (!changes)
		return -ENOMEM;
	host->changes = changes;
	added = realloc(host->added, (host->count + 1) * sizeof(struct pci_device *));
	if (!added)
		return -ENOMEM;
	host->added = added;
	return 0;
}

int pci_bus_attach(struct pci_bus *bus, struct pci_device *device, uint8_t devfn)
{
	struct pci_host *host = bus->host;
	size_t slices = host->slice_count + bus_count_slices(device);
	int rc = bus_make_room(host, slices);

	if (rc)
		return rc;
	host->slice_count = slices;
	device->bus = bus;
	device->devfn = devfn;
	memcpy(device->reset_config, device->config, sizeof(device->reset_config));
	bus->devices[devfn] = device;
	host->added[host->count++] = device;
	host->changed = true;
	bus_mark_multi_function(bus, pci_devfn_slot(devfn));
	return 0;
}

void pci_bus_detach(struct pci_device *device)
{
	struct pci_bus *bus = device->bus;
	struct pci_host *host = bus->host;
	size_t at = 0;

	pthread_mutex_lock(&device->lock);
	pci_device_unmap(device);
	pthread_mutex_unlock(&device->lock);
	while (host->added[at] != device)
		at++;
	host->count--;
	memmove(&host->added[at], &host->added[at + 1],
		(host->count - at) * sizeof(struct pci_device *));
	host->slice_count -= bus_count_slices(device);
	host->changed = true;
	bus->devices[device->devfn] = NULL;
	device->bus = NULL;
	bus_mark_multi_function(bus, pci_devfn_slot(device->devfn));
}

int pci_bus_add(struct pci_bus *bus, struct pci_device *device, unsigned int slot,
		unsigned int function, struct err *err)
{
	unsigned int devfn = slot * PCI_FUNCTIONS + function;
	int rc;

	if (bus->devices[devfn])
		return err_set(err, -EBUSY,
			       "PCI function could not be added: %s: %02x:%02x.%u is taken by %s: "
			       "choose another place",
			       device->name, bus->number, slot, function,
			       bus->devices[devfn]->name);
	rc = pci_bus_attach(bus, device, (uint8_t)devfn);
	if (rc)
		return err_set(err, rc, "PCI function could not be added: %s: %s", device->name,
			       err_text(rc));
	return 0;
}

static bool bus_slot_is_free(const struct pci_bus *bus, unsigned int slot)
{
	for (unsigned int i = 0; i < PCI_FUNCTIONS; i++)
		if (bus->devices[slot * PCI_FUNCTIONS + i])
			return false;
	return true;
}

static int bus_find_slot(const struct pci_bus *bus)
{
	for (int slot = 1; slot < PCI_SLOTS; slot++)
		if (bus_slot_is_free(bus, (unsigned int)slot))
			return slot;
	return -ENOSPC;
}

static int bus_add_to_root(struct pci_host *host, struct pci_device *device, int slot,
			   unsigned int function, struct err *err)
{
	if (slot == -1)
		slot = bus_find_slot(&host->root);
	if (slot < 0)
		return err_set(err, slot,
			       "PCI function could not be added: %s: all 31 slots of the root bus "
			       "are taken: give the guest fewer devices, or fewer slots in "
			       "--hotplug",
			       device->name);
	return pci_bus_add(&host->root, device, (unsigned int)slot, function, err);
}

int pci_host_add(struct pci_host *host, struct pci_device *device, int slot, unsigned int function,
		 struct err *err)
{
	int rc;

	if (slot < -1 || slot == 0 || slot >= PCI_SLOTS || function >= PCI_FUNCTIONS)
		return err_set(err, -EINVAL,
			       "PCI function could not be added: %s: %d.%u is no place for it: "
			       "slots are 1 to 31, functions 0 to 7",
			       device->name, slot, function);
	pthread_mutex_lock(&host->lock);
	rc = bus_add_to_root(host, device, slot, function, err);
	pthread_mutex_unlock(&host->lock);
	return rc;
}

void pci_host_lock(struct pci_device *device)
{
	pthread_mutex_lock(&device->bus->host->lock);
	pthread_mutex_lock(&device->lock);
}

void pci_host_unlock(struct pci_device *device)
{
	pthread_mutex_unlock(&device->lock);
	pthread_mutex_unlock(&device->bus->host->lock);
}

/* The port of @bus that passes on what is for bus @number; the lowest, should two claim it. */
static const struct pci_device *bus_find_port(const struct pci_bus *bus, uint8_t number)
{
	for (unsigned int i = 0; i < PCI_DEVFNS; i++) {
		const struct pci_device *device = bus->devices[i];

		if (device && device->below && pci_port_passes_config(device->below->port, number))
			return device;
	}
	return NULL;
}

/* PCI-to-PCI Bridge 1.2 3.1.2.1: a type 1 access goes down until it is at its bus. */
struct pci_bus *pci_bus_find(struct pci_host *host, uint8_t number)
{
	struct pci_bus *bus = &host->root;

	while (bus->number != number) {
		const struct pci_device *port = bus_find_port(bus, number);

		if (!port)
			return NULL;
		bus = port->below;
	}
	return bus;
}

uint16_t pci_device_requester(const struct pci_device *device)
{
	return (uint16_t)(device->bus->number << 8 | device->devfn);
}

bool pci_device_is_passed_up(const struct pci_device *device)
{
	for (const struct pci_port *port = device->bus->port; port;
	     port = pci_port_device(port)->bus->port)
		if (!pci_port_passes_up(port))
			return false;
	return true;
}

/* PCI-to-PCI Bridge 1.2 9.1: a port rotates the pins below it by slot. */
int pci_device_intx_gsi(const struct pci_device *device)
{
	const struct pci_host_config *host = &device->bus->host->config;
	unsigned int pin = device->config[PCI_INTERRUPT_PIN];

	if (pin < 1 || pin > PCI_PINS)
		return -1;
	pin--;
	for (; device->bus->port; device = pci_port_device(device->bus->port))
		pin = (pci_devfn_slot(device->devfn) + pin) % PCI_PINS;
	return (int)pci_intx_gsi(host->intx_gsi, host->intx_count, pci_devfn_slot(device->devfn),
				 pin);
}
