/* SPDX-License-Identifier: BSD-3-Clause */
/* The host bridge: its creation, its own function 00.0, the reset of all below it and its end. */

#include "devices/pci/host.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"

enum {
	BRIDGE_VENDOR = 0x8086,
	BRIDGE_DEVICE = 0x0d57,
	BRIDGE_CLASS = 0x0600,
};

static const struct pci_device_ops bridge_ops = {0};

static bool host_window_wraps(uint64_t base, uint64_t size)
{
	return size != 0 && base > UINT64_MAX - (size - 1);
}

static int host_check_config(const struct pci_host_config *config, struct err *err)
{
	if (config->buses < 1 || config->buses > 256 || !is_aligned(config->ecam_base, MIB))
		return err_set(err, -EINVAL,
			       "PCI host bridge: ECAM at 0x%" PRIx64
			       ": %u buses: must be 1 to 256, the base a multiple of 1 MiB",
			       config->ecam_base, config->buses);
	if (!is_power_of_2(config->intx_count))
		return err_set(err, -EINVAL,
			       "PCI host bridge: INTx: %u GSIs: must be a power of two",
			       config->intx_count);
	if (!range_fits(config->mmio32_base, config->mmio32_size, 4 * GIB) ||
	    host_window_wraps(config->mmio64_base, config->mmio64_size) ||
	    host_window_wraps(config->io_base, config->io_size))
		return err_set(err, -EINVAL,
			       "PCI host bridge: windows: one of them leaves its address space");
	if (!config->mmio || (config->config_ports && !config->pio))
		return err_set(err, -EINVAL, "PCI host bridge: address spaces: one is missing");
	return 0;
}

static int host_bridge_attach(struct pci_host *host, struct err *err)
{
	struct pci_device *bridge = &host->bridge;
	int rc;

	pci_device_init(bridge, &bridge_ops, PCI_CONFIG_SIZE, "host bridge");
	store_le16(bridge->config + PCI_VENDOR_ID, BRIDGE_VENDOR);
	store_le16(bridge->config + PCI_DEVICE_ID, BRIDGE_DEVICE);
	store_le16(bridge->config + PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	store_le16(bridge->config + PCI_CLASS_DEVICE, BRIDGE_CLASS);
	rc = pci_bus_attach(&host->root, bridge, 0);
	return rc ? err_set(err, rc, "PCI host bridge: function 00.0: %s", err_text(rc)) : 0;
}

struct pci_host *pci_host_create(const struct pci_host_config *config, struct err *err)
{
	struct pci_host *host;

	if (host_check_config(config, err) < 0)
		return NULL;
	host = calloc(1, sizeof(*host));
	if (!host) {
		err_set(err, -ENOMEM, "PCI host bridge: %s", err_text(-ENOMEM));
		return NULL;
	}
	host->config = *config;
	host->root.host = host;
	pthread_mutex_init(&host->lock, NULL);
	pthread_mutex_init(&host->latch_lock, NULL);
	if (host_bridge_attach(host, err) < 0 || pci_ecam_add(host, err) < 0 ||
	    (config->config_ports && pci_ports_add(host, err) < 0)) {
		pci_host_destroy(host);
		return NULL;
	}
	return host;
}

static void host_destroy_device(struct pci_device *device)
{
	pci_host_lock(device);
	pci_device_unmap(device);
	pci_host_unlock(device);
	if (device->ops->destroy)
		device->ops->destroy(device);
}

void pci_host_destroy(struct pci_host *host)
{
	if (!host)
		return;
	mem_map_del(&host->data_port);
	mem_map_del(&host->address_port);
	mem_map_del(&host->ecam);
	while (host->count > 0) {
		struct pci_device *device = host->added[host->count - 1];

		host_destroy_device(device);
		host->count--;
	}
	pci_device_release(&host->bridge);
	pthread_mutex_destroy(&host->latch_lock);
	pthread_mutex_destroy(&host->lock);
	free(host->changes);
	free(host->added);
	free(host);
}

void pci_host_reset(struct pci_host *host)
{
	pthread_mutex_lock(&host->lock);
	for (size_t i = 0; i < host->count; i++) {
		struct pci_device *device = host->added[i];

		pthread_mutex_lock(&device->lock);
		memcpy(device->config, device->reset_config, sizeof(device->config));
		device->unmapped = false;
		if (device->below)
			pci_port_restored(device->below->port);
		pthread_mutex_unlock(&device->lock);
	}
	pci_host_assign_again(host);
	pci_host_unmap_stale(host);
	pci_host_map_decoded(host);
	pthread_mutex_unlock(&host->lock);
	pthread_mutex_lock(&host->latch_lock);
	host->latch = 0;
	pthread_mutex_unlock(&host->latch_lock);
	for (size_t i = 0; i < host->count; i++)
		if (host->added[i]->ops->reset)
			host->added[i]->ops->reset(host->added[i]);
}

void pci_host_start(struct pci_host *host)
{
	for (size_t i = 0; i < host->count; i++)
		if (host->added[i]->ops->start)
			host->added[i]->ops->start(host->added[i]);
}
