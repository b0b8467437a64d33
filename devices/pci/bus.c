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

/* PCI 3.0 6.2.1: function 0 tells whether the slot has others. */
static void bus_mark_multi_function(struct pci_bus *bus, unsigned int slot)
{
	struct pci_device **functions = &bus->devices[slot * PCI_FUNCTIONS];
	bool others = false;

	for (unsigned int i = 1; i < PCI_FUNCTIONS; i++)
		others = others || functions[i];
	if (!functions[0] || !others)
		return;
	pthread_mutex_lock(&functions[0]->lock);
	functions[0]->config[PCI_HEADER_TYPE] |= MULTI_FUNCTION;
	functions[0]->reset_config[PCI_HEADER_TYPE] |= MULTI_FUNCTION;
	pthread_mutex_unlock(&functions[0]->lock);
}

int pci_bus_attach(struct pci_bus *bus, struct pci_device *device, uint8_t devfn)
{
	struct pci_host *host = bus->host;
	size_t slices = host->slice_count + bus_count_slices(device);
	struct mem_change *changes = realloc(host->changes, (slices + 1) * sizeof(*changes));

	if (!changes)
		return -ENOMEM;
	host->changes = changes;
	host->slice_count = slices;
	device->bus = bus;
	device->devfn = devfn;
	memcpy(device->reset_config, device->config, sizeof(device->reset_config));
	bus->devices[devfn] = device;
	host->added[host->count++] = device;
	bus_mark_multi_function(bus, pci_slot(devfn));
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

static int bus_add_locked(struct pci_host *host, struct pci_device *device, int slot,
			  unsigned int function, struct err *err)
{
	unsigned int devfn;
	int rc;

	if (slot == -1)
		slot = bus_find_slot(&host->root);
	if (slot < 0)
		return err_set(err, slot,
			       "PCI function could not be added: %s: all 31 slots of the root bus "
			       "are taken: pass fewer devices",
			       device->name);
	devfn = (unsigned int)slot * PCI_FUNCTIONS + function;
	if (host->root.devices[devfn])
		return err_set(err, -EBUSY,
			       "PCI function could not be added: %s: 00:%02x.%u is taken by %s: "
			       "choose another place",
			       device->name, (unsigned int)slot, function,
			       host->root.devices[devfn]->name);
	rc = pci_bus_attach(&host->root, device, (uint8_t)devfn);
	if (rc)
		return err_set(err, rc, "PCI function could not be added: %s: %s", device->name,
			       err_text(rc));
	return 0;
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
	rc = bus_add_locked(host, device, slot, function, err);
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

uint16_t pci_device_requester(const struct pci_device *device)
{
	return (uint16_t)(device->bus->number << 8 | device->devfn);
}

/* PCI-to-PCI Bridge 1.2 9.1: a bridge rotates the pins below it by slot. */
int pci_device_intx_gsi(const struct pci_device *device)
{
	const struct pci_host_config *host = &device->bus->host->config;
	unsigned int pin = device->config[PCI_INTERRUPT_PIN];

	if (pin < 1 || pin > PCI_PINS)
		return -1;
	pin--;
	for (; device->bus->bridge; device = device->bus->bridge)
		pin = (pci_slot(device->devfn) + pin) % PCI_PINS;
	return (int)pci_intx_gsi(host->intx_gsi, host->intx_count, pci_slot(device->devfn), pin);
}
