/* SPDX-License-Identifier: BSD-3-Clause */
/* Capability chains: walked once with bounds, hidden ones unlinked, MSI, MSI-X and power ours. */

#include <linux/pci_regs.h>

#include "vfio/pci.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

enum {
	EXT_ID_MASK = 0xffff,
	EXT_NEXT_SHIFT = 20,
	EXT_NEXT_MASK = 0xffc,
	EXT_VERSION_1 = 1 << 16,
	GARBAGE_ID = 0xff,
	EXT_GARBAGE_ID = 0xffff,
	EXT_ID_VF_REBAR = 0x24,
	REBAR_COUNT_AT = 8, /* of the first control register, which tells how many there are */
	REBAR_COUNT_SHIFT = 5,
	REBAR_COUNT_MASK = 7,
};

/* What a guest must not see: it would move BARs, make functions or need an IOMMU of its own. */
struct hidden_capability {
	uint16_t id;
	uint16_t size; /* header included; 0: as many 8-byte pairs behind it as it says */
};

static const struct hidden_capability hidden_extended[] = {
	{PCI_EXT_CAP_ID_ARI, 8},  {PCI_EXT_CAP_ID_ATS, 8},   {PCI_EXT_CAP_ID_SRIOV, 64},
	{PCI_EXT_CAP_ID_PRI, 16}, {PCI_EXT_CAP_ID_REBAR, 0}, {PCI_EXT_CAP_ID_PASID, 8},
	{EXT_ID_VF_REBAR, 0},
};

/* Enhanced Allocation would fix the BARs to the host's addresses. */
static bool is_hidden(uint8_t id)
{
	return id == PCI_CAP_ID_EA;
}

static bool setup_power(struct vfio_pci *pci, unsigned int at)
{
	unsigned int control = at + PCI_PM_CTRL;

	if (pci->device.pm_capability || !range_fits(at, PCI_PM_SIZEOF, PCI_CONFIG_SIZE))
		return false;
	pci->device.pm_capability = at;
	pci->emulated[control] = true;
	pci->device.write_mask[control] = PCI_PM_CTRL_STATE_MASK;
	return true;
}

static bool setup_msi(struct vfio_pci *pci, unsigned int at)
{
	struct err err = {0};

	if (pci->has_msi || pci->irqs.msi.count == 0)
		return false;
	if (pci_msi_init(&pci->msi, &pci->device, at, &vfio_vector_ops, &pci->irqs.msi, &err)) {
		log_warn("passthrough device %s: MSI is hidden: %s", pci->device.name, err.text);
		return false;
	}
	pci->has_msi = true;
	vfio_config_emulate(pci, at, (unsigned int)align_up(pci_msi_size(&pci->msi), 4));
	return true;
}

static bool setup_msix(struct vfio_pci *pci, unsigned int at)
{
	struct err err = {0};

	if (pci->has_msix || pci->irqs.msix.count == 0)
		return false;
	if (pci_msix_init(&pci->msix, &pci->device, at, &vfio_vector_ops, &pci->irqs.msix, &err)) {
		log_warn("passthrough device %s: MSI-X is hidden: %s", pci->device.name, err.text);
		return false;
	}
	pci->has_msix = true;
	vfio_config_emulate(pci, at, PCI_CAP_MSIX_SIZEOF);
	return true;
}

/* Whether the guest is to see the capability at @at. */
static bool setup_capability(struct vfio_pci *pci, uint8_t id, unsigned int at)
{
	switch (id) {
	case PCI_CAP_ID_PM:
		return setup_power(pci, at);
	case PCI_CAP_ID_MSI:
		return setup_msi(pci, at);
	case PCI_CAP_ID_MSIX:
		return setup_msix(pci, at);
	default:
		return !is_hidden(id);
	}
}

static void filter_chain(struct vfio_pci *pci)
{
	uint8_t *config = pci->device.config;
	bool seen[PCI_CONFIG_SIZE / 4] = {false};
	unsigned int previous = PCI_CAPABILITY_LIST;
	unsigned int at = config[PCI_CAPABILITY_LIST] & ~3U;

	if (!(load_le16(config + PCI_STATUS) & PCI_STATUS_CAP_LIST))
		at = 0;
	while (at >= PCI_STD_HEADER_SIZEOF && !seen[at / 4] && config[at] != GARBAGE_ID) {
		seen[at / 4] = true;
		vfio_config_emulate(pci, at, 2);
		if (setup_capability(pci, config[at], at)) {
			config[previous] = (uint8_t)at;
			previous = at + PCI_CAP_LIST_NEXT;
		}
		at = config[at + PCI_CAP_LIST_NEXT] & ~3U;
	}
	/* A chain that loops or runs into garbage ends where it was last sound. */
	config[previous] = 0;
}

static const struct hidden_capability *find_hidden(uint32_t header)
{
	for (size_t i = 0; i < ARRAY_SIZE(hidden_extended); i++)
		if (hidden_extended[i].id == (header & EXT_ID_MASK))
			return &hidden_extended[i];
	return NULL;
}

static unsigned int hidden_size(const struct hidden_capability *hidden, const uint8_t *config,
				unsigned int at)
{
	uint32_t control;

	if (hidden->size || !range_fits(at, REBAR_COUNT_AT + 4, PCIE_CONFIG_SIZE))
		return hidden->size;
	control = load_le32(config + at + REBAR_COUNT_AT);
	return 4 + 8 * (control >> REBAR_COUNT_SHIFT & REBAR_COUNT_MASK);
}

static void hide_extended(struct vfio_pci *pci, const struct hidden_capability *hidden,
			  unsigned int at)
{
	unsigned int size = hidden_size(hidden, pci->device.config, at);

	vfio_config_emulate(pci, at, size);
	for (unsigned int i = at; i < at + size && i < PCIE_CONFIG_SIZE; i++)
		pci->device.config[i] = 0;
}

static void set_next(uint8_t *config, unsigned int at, unsigned int next)
{
	uint32_t header = load_le32(config + at) & ~((uint32_t)EXT_NEXT_MASK << EXT_NEXT_SHIFT);

	store_le32(config + at, header | next << EXT_NEXT_SHIFT);
}

static void filter_extended(struct vfio_pci *pci)
{
	uint8_t *config = pci->device.config;
	bool seen[PCIE_CONFIG_SIZE / 4] = {false};
	unsigned int previous = PCI_CONFIG_SIZE, at = PCI_CONFIG_SIZE;

	while (at >= PCI_CONFIG_SIZE && !seen[at / 4]) {
		uint32_t header = load_le32(config + at);
		const struct hidden_capability *hidden = find_hidden(header);

		if (header == 0 || (header & EXT_ID_MASK) == EXT_GARBAGE_ID)
			break;
		seen[at / 4] = true;
		vfio_config_emulate(pci, at, 4);
		if (hidden)
			hide_extended(pci, hidden, at);
		if (hidden && at == PCI_CONFIG_SIZE)
			store_le32(config + at, EXT_VERSION_1); /* the null capability heads it */
		if (!hidden && at != PCI_CONFIG_SIZE) {
			set_next(config, previous, at);
			previous = at;
		}
		at = header >> EXT_NEXT_SHIFT & EXT_NEXT_MASK;
	}
	set_next(config, previous, 0);
	if (!seen[PCI_CONFIG_SIZE / 4] || load_le32(config + PCI_CONFIG_SIZE) == EXT_VERSION_1) {
		vfio_config_emulate(pci, PCI_CONFIG_SIZE, 4);
		store_le32(config + PCI_CONFIG_SIZE, 0);
	}
}

void vfio_capabilities_setup(struct vfio_pci *pci)
{
	filter_chain(pci);
	if (pci->device.config_size == PCIE_CONFIG_SIZE)
		filter_extended(pci);
}
