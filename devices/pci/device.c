/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCI function by itself: set-up, its capability list and the work it put off. */

#include "devices/pci/pci.h"

#include <assert.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/bits.h"

/* As many capabilities of four bytes as fit behind the header. */
enum { CAPABILITIES_MAX = (PCI_CONFIG_SIZE - PCI_STD_HEADER_SIZEOF) / 4 };

void pci_device_init(struct pci_device *device, const struct pci_device_ops *ops,
		     unsigned int config_size, const char *name)
{
	assert(config_size == PCI_CONFIG_SIZE || config_size == PCIE_CONFIG_SIZE);
	memset(device, 0, sizeof(*device));
	device->ops = ops;
	device->config_size = config_size;
	snprintf(device->name, sizeof(device->name), "%s", name);
	pthread_mutex_init(&device->lock, NULL);
}

void pci_device_release(struct pci_device *device)
{
	pthread_mutex_destroy(&device->lock);
}

unsigned int pci_device_find_capability(const struct pci_device *device, uint8_t id)
{
	unsigned int offset;

	if (!(load_le16(device->config + PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	offset = device->config[PCI_CAPABILITY_LIST] & ~3U;
	for (unsigned int i = 0; i < CAPABILITIES_MAX && offset >= PCI_STD_HEADER_SIZEOF; i++) {
		if (device->config[offset + PCI_CAP_LIST_ID] == id)
			return offset;
		offset = device->config[offset + PCI_CAP_LIST_NEXT] & ~3U;
	}
	return 0;
}

void pci_device_defer(struct pci_device *device)
{
	device->deferred = true;
}

void pci_device_settle(struct pci_device *device)
{
	bool deferred;

	pthread_mutex_lock(&device->lock);
	deferred = device->deferred;
	device->deferred = false;
	pthread_mutex_unlock(&device->lock);
	if (deferred && device->ops->settle)
		device->ops->settle(device);
}
