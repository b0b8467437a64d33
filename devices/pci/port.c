/* SPDX-License-Identifier: BSD-3-Clause */
/* A root port: its life, what it lets through either way, resets of the link below. */

#include "devices/pci/port.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "devices/pci/port_private.h"
#include "vmm/base/bits.h"

static struct pci_port *port_of(struct pci_device *device)
{
	return container_of(device, struct pci_port, device);
}

const struct pci_device *pci_port_device(const struct pci_port *port)
{
	return &port->device;
}

/* PM 1.2 5.6.1: a port that is not in D0 passes nothing on. */
bool pci_port_passes_config(const struct pci_port *port, uint8_t number)
{
	const uint8_t *config = port->device.config;

	return number >= config[PCI_SECONDARY_BUS] && number <= config[PCI_SUBORDINATE_BUS] &&
	       pci_port_is_awake(port) && pci_port_link_is_up(port);
}

bool pci_port_passes_up(const struct pci_port *port)
{
	return port->device.config[PCI_COMMAND] & PCI_COMMAND_MASTER && pci_port_is_awake(port) &&
	       pci_port_link_is_up(port);
}

const char *pci_port_why_shut(const struct pci_port *port, enum pci_bar_kind kind)
{
	uint16_t command = kind == PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

	if (!(load_le16(port->device.config + PCI_COMMAND) & command))
		return kind == PCI_BAR_IO ? "I/O is off in COMMAND of the port above"
					  : "memory is off in COMMAND of the port above";
	if (!pci_port_is_awake(port))
		return "the port above is not in D0";
	return pci_slot_why_down(port);
}

/* Bridge 1.2 3.2.5.18: of each KiB the upper 768 ports are left to ISA then. */
static bool port_is_isa(const struct pci_port *port, uint64_t address, uint64_t size)
{
	return port->device.config[PCI_BRIDGE_CONTROL] & PCI_BRIDGE_CTL_ISA &&
	       (address % KIB + size > 256);
}

/* Either memory window serves a BAR of either kind; one that is not whole inside is not reached. */
const char *pci_port_why_outside(const struct pci_port *port, enum pci_bar_kind kind,
				 uint64_t address, uint64_t size)
{
	const uint8_t *config = port->device.config;

	if (kind == PCI_BAR_IO && pci_window_holds(config, PCI_WINDOW_IO, address, size))
		return port_is_isa(port, address, size) ? "the port above leaves it to ISA" : NULL;
	if (kind != PCI_BAR_IO && (pci_window_holds(config, PCI_WINDOW_MEMORY, address, size) ||
				   pci_window_holds(config, PCI_WINDOW_PREFETCH, address, size)))
		return NULL;
	return "it is outside the windows of the port above";
}

bool pci_port_is_touched(unsigned int offset, unsigned int size)
{
	return ranges_overlap(offset, size, PCI_COMMAND, 2) ||
	       ranges_overlap(offset, size, PCI_PRIMARY_BUS,
			      PCI_CAPABILITY_LIST - PCI_PRIMARY_BUS) ||
	       ranges_overlap(offset, size, PCI_BRIDGE_CONTROL, 2) ||
	       ranges_overlap(offset, size, PORT_POWER + PCI_PM_CTRL, 2) ||
	       ranges_overlap(offset, size, PORT_EXPRESS + PCI_EXP_LNKCTL, 2) ||
	       ranges_overlap(offset, size, PORT_EXPRESS + PCI_EXP_SLTCTL, 2);
}

bool pci_port_range(const struct pci_port *port, enum pci_window window, uint64_t *base,
		    uint64_t *last)
{
	return pci_window_get(port->device.config, window, base, last);
}

static void port_set_window(uint8_t *config, enum pci_window window, uint64_t base, uint64_t size)
{
	if (size)
		pci_window_set(config, window, base, base + (size - 1));
	else
		pci_window_close(config, window);
}

void pci_port_open(struct pci_port *port, enum pci_window window, uint64_t base, uint64_t size)
{
	port_set_window(port->device.config, window, base, size);
	port_set_window(port->device.reset_config, window, base, size);
}

struct pci_room *pci_port_room(struct pci_port *port, enum pci_window window)
{
	return &port->room[window];
}

bool pci_port_is_occupied(const struct pci_port *port)
{
	return port->slot.present;
}

/* The functions below are reset, all at once; the write that asks for it waits for the last. */
static enum mem_result port_reset_link(struct pci_port *port)
{
	if (!port->resetting)
		port->reset_awaited = 0xff;
	port->resetting = true;
	for (unsigned int i = 0; i < PCI_FUNCTIONS; i++) {
		struct pci_device *device = port->bus.devices[i];
		enum mem_result result = MEM_DONE;

		if (!(port->reset_awaited & 1U << i))
			continue;
		if (device && device->ops->link_reset) {
			pthread_mutex_lock(&device->lock);
			result = device->ops->link_reset(device);
			pthread_mutex_unlock(&device->lock);
		}
		if (result != MEM_NOT_YET)
			port->reset_awaited &= (uint8_t) ~(1U << i);
	}
	port->resetting = port->reset_awaited;
	return port->resetting ? MEM_NOT_YET : MEM_DONE;
}

static enum mem_result port_check(struct pci_device *device, unsigned int offset, unsigned int size,
				  uint32_t value)
{
	struct pci_port *port = port_of(device);

	return pci_slot_goes_down(port, offset, size, value) ? port_reset_link(port) : MEM_DONE;
}

/* PM 1.2 3.2.4: a state that there is not is not entered. Here these are D1 and D2. */
static void port_enter_power(struct pci_port *port)
{
	uint8_t *control = &port->device.config[PORT_POWER + PCI_PM_CTRL];
	uint8_t state = *control & PCI_PM_CTRL_STATE_MASK;

	if (state == 0 || state == PCI_PM_CTRL_STATE_MASK)
		port->power = state;
	*control = (uint8_t)((*control & ~PCI_PM_CTRL_STATE_MASK) | port->power);
}

void pci_port_tell_below(const struct pci_port *port)
{
	for (unsigned int i = 0; i < PCI_DEVFNS; i++) {
		struct pci_device *device = port->bus.devices[i];

		if (!device || !device->ops->path_changed)
			continue;
		pthread_mutex_lock(&device->lock);
		device->ops->path_changed(device);
		pthread_mutex_unlock(&device->lock);
	}
}

static void port_written(struct pci_device *device, unsigned int offset, unsigned int size,
			 uint32_t value)
{
	struct pci_port *port = port_of(device);

	port_enter_power(port);
	port->bus.number = device->config[PCI_SECONDARY_BUS];
	pci_slot_written(port, offset, size, value);
	if (pci_port_is_touched(offset, size) || pci_errors_touched(offset, size))
		pci_port_tell_below(port);
	if (ranges_overlap(offset, size, PORT_MESSAGES, pci_msi_size(&port->msi)))
		pci_msi_config_written(&port->msi);
	pci_port_interrupt(port);
}

static void port_path_changed(struct pci_device *device)
{
	pci_port_tell_below(port_of(device));
}

void pci_port_restored(struct pci_port *port)
{
	port->power = 0;
	port->resetting = false;
	port->bus.number = port->device.config[PCI_SECONDARY_BUS];
	pci_slot_reset(port);
}

static void port_reset(struct pci_device *device)
{
	pci_host_lock(device);
	pci_msi_reset(&port_of(device)->msi);
	pci_port_signal_reset(port_of(device));
	pci_host_unlock(device);
}

static void port_free(struct pci_port *port)
{
	pci_port_signal_release(port);
	pci_vectors_destroy(port->vectors);
	pci_device_release(&port->device);
	free(port);
}

static void port_destroy(struct pci_device *device)
{
	port_reset(device);
	port_free(port_of(device));
}

static const struct pci_device_ops port_ops = {
	.check = port_check,
	.config_written = port_written,
	.reset = port_reset,
	.path_changed = port_path_changed,
	.destroy = port_destroy,
};

/* Its messages come of nothing but the monitor: there is no device to tell of their eventfds. */
static int port_set_mode(void *owner, enum pci_vectors_mode mode, unsigned int count)
{
	(void)owner;
	(void)mode;
	return (int)count;
}

static int port_connect(void *owner, unsigned int first, unsigned int end)
{
	(void)owner;
	(void)first;
	(void)end;
	return 0;
}

static void port_pass(void *owner)
{
	(void)owner;
}

static const struct pci_wires_ops port_wires = {
	.set_mode = port_set_mode,
	.connect = port_connect,
	.pass = port_pass,
};

static struct pci_port *port_alloc(const struct pci_port_config *config, struct err *err)
{
	struct pci_port *port = calloc(1, sizeof(*port));

	if (!port) {
		err_set(err, -ENOMEM, "PCI port: %s", err_text(-ENOMEM));
		return NULL;
	}
	port->irq = config->irq;
	port->loop = config->loop;
	port->slot.changed = config->slot_changed;
	port->slot.owner = config->owner;
	for (unsigned int i = 0; i < PCI_WINDOWS; i++)
		port->room[i] = pci_room(config->room[i]);
	pci_port_signal_init(port);
	pci_device_init(&port->device, &port_ops, PCIE_CONFIG_SIZE,
			config->name ? config->name : "");
	pci_port_set_registers(port, &config->link);
	pci_slot_reset(port);
	port->vectors = pci_vectors_create(port->device.name, config->irq, &port_wires, port);
	if (!port->vectors)
		err_set(err, -ENOMEM, "PCI port: %s", err_text(-ENOMEM));
	else if (!pci_msi_init(&port->msi, &port->device, PORT_MESSAGES, port->vectors, err))
		return port;
	port_free(port);
	return NULL;
}

static int port_take_bus(struct pci_host *host, struct pci_port *port, struct err *err)
{
	unsigned int number = host->ports + 1;
	uint8_t *config = port->device.config, *express = config + PORT_EXPRESS;

	if (!*port->device.name)
		snprintf(port->device.name, sizeof(port->device.name), "slot%u", number);
	if (number >= host->config.buses)
		return err_set(err, -ENOSPC,
			       "PCI port: %s: all %u buses are taken: pass fewer devices behind "
			       "ports",
			       port->device.name, host->config.buses);
	config[PCI_SECONDARY_BUS] = config[PCI_SUBORDINATE_BUS] = (uint8_t)number;
	express[PCI_EXP_LNKCAP + 3] = (uint8_t)number;
	store_le32(express + PCI_EXP_SLTCAP, load_le32(express + PCI_EXP_SLTCAP) | number << 19);
	port->number = number;
	port->bus.host = host;
	port->bus.port = port;
	port->bus.number = (uint8_t)number;
	port->device.below = &port->bus;
	return 0;
}

struct pci_port *pci_port_create(struct pci_host *host, const struct pci_port_config *config,
				 struct err *err)
{
	struct pci_port *port = port_alloc(config, err);

	if (!port)
		return NULL;
	if (port_take_bus(host, port, err) || pci_host_add(host, &port->device, -1, 0, err)) {
		port_free(port);
		return NULL;
	}
	host->ports++;
	return port;
}

unsigned int pci_port_number(const struct pci_port *port)
{
	return port->number;
}

int pci_port_add(struct pci_port *port, struct pci_device *device, unsigned int function,
		 struct err *err)
{
	struct pci_host *host = port->bus.host;
	int rc;

	if (function >= PCI_FUNCTIONS)
		return err_set(err, -EINVAL,
			       "PCI function could not be added: %s: function %u is no place for "
			       "it: they are 0 to 7",
			       device->name, function);
	pthread_mutex_lock(&host->lock);
	rc = pci_bus_add(&port->bus, device, 0, function, err);
	pthread_mutex_unlock(&host->lock);
	return rc;
}

void pci_port_remove(struct pci_port *port, struct pci_device *device)
{
	pci_host_lock(&port->device);
	assert(device->bus == &port->bus && !port->slot.present);
	pci_bus_detach(device);
	pci_host_unlock(&port->device);
}
