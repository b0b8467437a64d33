/* SPDX-License-Identifier: BSD-3-Clause */
/* The ways by which a guest reaches config space: ECAM and the ports 0xcf8 to 0xcff. */

#include "devices/pci/host.h"
#include "vmm/base/bits.h"

enum {
	ADDRESS_PORT = 0xcf8,
	DATA_PORT = 0xcfc,
	RESET_CONTROL_OFFSET = 1, /* of port 0xcf9 from the address port */
};

/* PCI 3.0 3.2.2.3.2: enable, bus, device and function, register. */
static const uint32_t latch_enable = 0x80000000;
static const uint32_t latch_mask = 0x80fffffc;

static uint16_t port_ecam_bdf(uint64_t offset)
{
	return (uint16_t)(offset >> 12);
}

static enum mem_result port_ecam_read(void *owner, uint64_t offset, unsigned int size,
				      uint64_t *value)
{
	uint32_t dword;
	enum mem_result result =
		pci_host_config_read(owner, port_ecam_bdf(offset), offset & 0xfff, size, &dword);

	*value = size > 4 ? UINT64_MAX : dword;
	return result;
}

static enum mem_result port_ecam_write(void *owner, uint64_t offset, unsigned int size,
				       uint64_t value)
{
	return pci_host_config_write(owner, port_ecam_bdf(offset), offset & 0xfff, size,
				     (uint32_t)value);
}

static const struct mem_ops ecam_ops = {.read = port_ecam_read, .write = port_ecam_write};

int pci_ecam_add(struct pci_host *host, struct err *err)
{
	host->ecam = (struct mem_region){
		.name = "PCI ECAM",
		.kind = MEM_TRAP,
		.size = host->config.buses * MIB,
		.ops = &ecam_ops,
		.owner = host,
	};
	return mem_map_add(host->config.mmio, &host->ecam, host->config.ecam_base, err);
}

static uint32_t port_latch_get(struct pci_host *host)
{
	uint32_t latch;

	pthread_mutex_lock(&host->latch_lock);
	latch = host->latch;
	pthread_mutex_unlock(&host->latch_lock);
	return latch;
}

static void port_latch_set(struct pci_host *host, uint32_t latch)
{
	pthread_mutex_lock(&host->latch_lock);
	host->latch = latch & latch_mask;
	pthread_mutex_unlock(&host->latch_lock);
}

static enum mem_result port_address_read(void *owner, uint64_t offset, unsigned int size,
					 uint64_t *value)
{
	struct pci_host *host = owner;

	*value = all_ones(size);
	if (size == 4)
		*value = port_latch_get(host);
	else if (size == 1 && offset == RESET_CONTROL_OFFSET && host->config.reset_control_read)
		*value = host->config.reset_control_read(host->config.reset_owner);
	return MEM_DONE;
}

static enum mem_result port_address_write(void *owner, uint64_t offset, unsigned int size,
					  uint64_t value)
{
	struct pci_host *host = owner;

	if (size == 4)
		port_latch_set(host, (uint32_t)value);
	else if (size == 1 && offset == RESET_CONTROL_OFFSET && host->config.reset_control)
		host->config.reset_control(host->config.reset_owner, (uint8_t)value);
	return MEM_DONE;
}

static const struct mem_ops address_ops = {.read = port_address_read, .write = port_address_write};

static enum mem_result port_data_read(void *owner, uint64_t offset, unsigned int size,
				      uint64_t *value)
{
	uint32_t latch = port_latch_get(owner), dword;
	enum mem_result result;

	*value = all_ones(size);
	if (!(latch & latch_enable))
		return MEM_DONE;
	result = pci_host_config_read(owner, (uint16_t)(latch >> 8),
				      (latch & 0xfc) + (unsigned int)offset, size, &dword);
	*value = dword;
	return result;
}

static enum mem_result port_data_write(void *owner, uint64_t offset, unsigned int size,
				       uint64_t value)
{
	uint32_t latch = port_latch_get(owner);

	if (!(latch & latch_enable))
		return MEM_DONE;
	return pci_host_config_write(owner, (uint16_t)(latch >> 8),
				     (latch & 0xfc) + (unsigned int)offset, size, (uint32_t)value);
}

static const struct mem_ops data_ops = {.read = port_data_read, .write = port_data_write};

int pci_ports_add(struct pci_host *host, struct err *err)
{
	int rc;

	host->address_port = (struct mem_region){
		.name = "PCI config address",
		.kind = MEM_TRAP,
		.size = 4,
		.ops = &address_ops,
		.owner = host,
		.latch = 4,
	};
	host->data_port = host->address_port;
	host->data_port.name = "PCI config data";
	host->data_port.ops = &data_ops;
	host->data_port.latch = 0;
	rc = mem_map_add(host->config.pio, &host->address_port, ADDRESS_PORT, err);
	if (rc)
		return rc;
	return mem_map_add(host->config.pio, &host->data_port, DATA_PORT, err);
}
