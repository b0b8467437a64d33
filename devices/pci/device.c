/* SPDX-License-Identifier: BSD-3-Clause */
/* A PCI function by itself: what its owner sets up and gives back. */

#include "devices/pci/pci.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

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
