/* SPDX-License-Identifier: BSD-3-Clause */
/* Config accesses of the guest: reads of the shadow, writes planned and then applied. */

#include "devices/pci/host.h"
#include "vmm/base/bits.h"

static struct pci_device *config_find_device(struct pci_host *host, uint16_t bdf)
{
	const struct pci_bus *bus = pci_bus_find(host, (uint8_t)(bdf >> 8));

	return bus ? bus->devices[bdf & 0xff] : NULL;
}

/* 1, 2 or 4 bytes inside one dword that the function has. */
static bool config_access_is_possible(const struct pci_device *device, unsigned int offset,
				      unsigned int size)
{
	return (size == 1 || size == 2 || size == 4) && (offset & 3) + size <= 4 &&
	       range_fits(offset, size, device->config_size);
}

/* The function, host lock and its own lock held; NULL, and no lock held, when nobody answers. */
static struct pci_device *config_enter(struct pci_host *host, uint16_t bdf, unsigned int offset,
				       unsigned int size)
{
	struct pci_device *device;

	pthread_mutex_lock(&host->lock);
	device = config_find_device(host, bdf);
	if (!device || !config_access_is_possible(device, offset, size)) {
		pthread_mutex_unlock(&host->lock);
		return NULL;
	}
	pthread_mutex_lock(&device->lock);
	return device;
}

enum mem_result pci_host_config_read(struct pci_host *host, uint16_t bdf, unsigned int offset,
				     unsigned int size, uint32_t *value)
{
	struct pci_device *device = config_enter(host, bdf, offset, size);

	*value = UINT32_MAX;
	if (!device)
		return MEM_DONE;
	if (device->ops->config_read)
		*value = device->ops->config_read(device, offset, size);
	else
		*value = (uint32_t)load_le(device->config + offset, size);
	pci_host_unlock(device);
	return MEM_DONE;
}

static void config_write_shadow(struct pci_device *device, unsigned int offset, unsigned int size,
				uint32_t value)
{
	for (unsigned int i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(value >> (8 * i));
		uint8_t mask = device->write_mask[offset + i];
		uint8_t clear = device->write_1_clear[offset + i] & byte;
		uint8_t old = device->config[offset + i];

		device->config[offset + i] = (uint8_t)(((old & ~mask) | (byte & mask)) & ~clear);
	}
}

static enum mem_result config_write_device(struct pci_host *host, struct pci_device *device,
					   unsigned int offset, unsigned int size, uint32_t value)
{
	const struct pci_device_ops *ops = device->ops;
	bool remap = pci_device_decode_touched(device, offset, size);

	if (ops->check && ops->check(device, offset, size, value) == MEM_NOT_YET)
		return MEM_NOT_YET;
	/*
	 * A function that was taken out of the maps is not there: it keeps what it will have then.
	 */
	if (!device->unmapped)
		config_write_shadow(device, offset, size, value);
	if (remap)
		pci_host_unmap_stale(host);
	if (ops->config_written)
		ops->config_written(device, offset, size, value);
	if (remap) {
		/* The device may be in another state than it was told to be in. */
		pci_host_unmap_stale(host);
		pci_host_map_decoded(host);
	}
	return MEM_DONE;
}

enum mem_result pci_host_config_write(struct pci_host *host, uint16_t bdf, unsigned int offset,
				      unsigned int size, uint32_t value)
{
	struct pci_device *device = config_enter(host, bdf, offset, size);
	enum mem_result result;

	if (!device)
		return MEM_DONE;
	result = config_write_device(host, device, offset, size, value);
	pci_host_unlock(device);
	return result;
}
