/* SPDX-License-Identifier: BSD-3-Clause */
/* The config space of a model: what every function has, BARs, capabilities. */

#include <endian.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "tests/support/user-server/server.h"

static void pci_store(uint8_t *at, uint32_t value, unsigned int size)
{
	value = htole32(value);
	memcpy(at, &value, size);
}

void user_model_identify(struct user_model *model, uint16_t vendor, uint16_t device,
			 uint32_t class_revision)
{
	pci_store(model->config + PCI_VENDOR_ID, vendor, 2);
	pci_store(model->config + PCI_DEVICE_ID, device, 2);
	pci_store(model->config + PCI_CLASS_REVISION, class_revision, 4);
	pci_store(model->config + PCI_SUBSYSTEM_VENDOR_ID, vendor, 2);
	pci_store(model->config + PCI_SUBSYSTEM_ID, device, 2);
	pci_store(model->writable + PCI_COMMAND,
		  PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
			  PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE,
		  2);
	model->writable[PCI_INTERRUPT_LINE] = 0xff;
}

/* Each has as much room as the largest. */
enum { PCI_CAPABILITY_ROOM = 0x40 };

unsigned int user_model_add_capability(struct user_model *model, uint8_t id)
{
	unsigned int at = PCI_CAPABILITY_ROOM;
	uint8_t *link = &model->config[PCI_CAPABILITY_LIST];

	for (; *link; at += PCI_CAPABILITY_ROOM)
		link = &model->config[*link + PCI_CAP_LIST_NEXT];
	*link = (uint8_t)at;
	model->config[at] = id;
	model->config[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	return at;
}

void user_model_add_msix(struct user_model *model, unsigned int vectors, unsigned int bar,
			 uint32_t table, uint32_t pending)
{
	unsigned int at = user_model_add_capability(model, PCI_CAP_ID_MSIX);

	pci_store(model->config + at + PCI_MSIX_FLAGS, vectors - 1, 2);
	pci_store(model->config + at + PCI_MSIX_TABLE, table | bar, 4);
	pci_store(model->config + at + PCI_MSIX_PBA, pending | bar, 4);
	pci_store(model->writable + at + PCI_MSIX_FLAGS,
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
	model->irqs[USER_MSIX] = vectors;
}

void user_model_add_express(struct user_model *model)
{
	unsigned int at = user_model_add_capability(model, PCI_CAP_ID_EXP);

	pci_store(model->config + at + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4, 2);
	pci_store(model->config + at + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR, 4);
	pci_store(model->config + at + PCI_EXP_LNKCAP, 1 | 1 << 4, 4);
	pci_store(model->config + at + PCI_EXP_LNKSTA, 1 | 1 << 4, 2);
	pci_store(model->writable + at + PCI_EXP_DEVCTL, 0x7fff, 2);
}

void user_model_add_bar(struct user_model *model, unsigned int bar, enum user_bar kind,
			const struct user_region *region)
{
	uint8_t *at = model->config + PCI_BASE_ADDRESS_0 + 4 * bar;

	model->regions[bar] = *region;
	if (kind == USER_BAR_64)
		at[0] = PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH;
	else if (kind == USER_BAR_IO)
		at[0] = PCI_BASE_ADDRESS_SPACE_IO;
}
