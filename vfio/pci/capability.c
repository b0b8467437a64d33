/* SPDX-License-Identifier: BSD-3-Clause */
/* Capability chains: walked once with bounds, hidden ones unlinked, MSI, MSI-X and power ours. */

#include <linux/pci_regs.h>
#include <string.h>

#include "vfio/pci/pci.h"
#include "vfio/pci/rules.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

enum {
	EXT_ID_MASK = 0xffff,
	EXT_NEXT_SHIFT = 20,
	EXT_NEXT_MASK = 0xffc,
	EXT_VERSION_1 = 1 << 16,
	GARBAGE_ID = 0xff,
	EXT_GARBAGE_ID = 0xffff,
	TYPE_SHIFT = 4, /* of PCI_EXP_FLAGS_TYPE */
	/* Of Express capabilities of version 1, which end where their kind needs no more. */
	EXPRESS_1_SIZE = 0x0c,
	EXPRESS_1_LINK_SIZE = 0x14,
	EXPRESS_2_SIZE = 0x3c,
};

/*
 * Enhanced Allocation (PCIe 5.0 7.8.5) would fix the BARs to the host's addresses, which are in it:
 * its entries, each with its own length, read 0.
 */
static void capability_hide_allocation(struct vfio_pci *pci, unsigned int at, unsigned int limit)
{
	uint8_t *config = pci->device.config;
	unsigned int entries = config[at + PCI_EA_NUM_ENT] & PCI_EA_NUM_ENT_MASK;
	unsigned int end = at + PCI_EA_FIRST_ENT;

	for (; entries && end < limit; entries--)
		end += 4 * (1 + (config[end] & (unsigned int)PCI_EA_ES));
	end = end < limit ? end : limit;
	vfio_rules_emulate(pci, at, end - at);
	memset(config + at, 0, end - at);
}

static bool capability_setup_power(struct vfio_pci *pci, unsigned int at)
{
	if (pci->device.pm_capability || !range_fits(at, PCI_PM_SIZEOF, PCI_CONFIG_SIZE))
		return false;
	pci->device.pm_capability = at;
	pci->device.write_1_clear[at + PCI_PM_CTRL + 1] |= PCI_PM_CTRL_PME_STATUS >> 8;
	return true;
}

static unsigned int capability_express_type(const uint8_t *flags)
{
	return (load_le16(flags) & (unsigned int)PCI_EXP_FLAGS_TYPE) >> TYPE_SHIFT;
}

/* A guest is not offered a function reset, bits @mask of byte @at, that VFIO cannot carry out. */
static void capability_offer_reset(struct vfio_pci *pci, unsigned int at, uint8_t mask)
{
	if (pci->reset.by_function)
		return;
	pci->emulated[at] |= mask;
	pci->device.config[at] &= (uint8_t)~mask;
}

/*
 * On the root bus every endpoint is one of the root complex's own: software expects a port above
 * any other kind, and a link to it.
 */
static bool capability_setup_express(struct vfio_pci *pci, unsigned int at)
{
	uint8_t *flags = pci->device.config + at + PCI_EXP_FLAGS;
	unsigned int type;

	if (pci->express || !range_fits(at, EXPRESS_1_SIZE, PCI_CONFIG_SIZE))
		return false;
	type = capability_express_type(flags);
	if (type == PCI_EXP_TYPE_ENDPOINT || type == PCI_EXP_TYPE_LEG_END)
		store_le16(flags, (uint16_t)((load_le16(flags) & ~PCI_EXP_FLAGS_TYPE) |
					     PCI_EXP_TYPE_RC_END << TYPE_SHIFT));
	capability_offer_reset(pci, at + PCI_EXP_DEVCAP + 3, PCI_EXP_DEVCAP_FLR >> 24);
	pci->express = at;
	return true;
}

static bool capability_setup_advanced(struct vfio_pci *pci, unsigned int at)
{
	if (pci->advanced || !range_fits(at, PCI_CAP_AF_SIZEOF, PCI_CONFIG_SIZE))
		return false;
	capability_offer_reset(pci, at + PCI_AF_CAP, PCI_AF_CAP_FLR);
	pci->advanced = at;
	return true;
}

/* Where the registers of the capability at @at end, as far as its kind tells. */
static unsigned int capability_end(const uint8_t *config, unsigned int at)
{
	uint16_t flags = load_le16(config + at + PCI_EXP_FLAGS);

	if (config[at] != PCI_CAP_ID_EXP)
		return PCI_CONFIG_SIZE;
	if ((flags & PCI_EXP_FLAGS_VERS) > 1)
		return at + EXPRESS_2_SIZE;
	return at + (capability_express_type(config + at + PCI_EXP_FLAGS) == PCI_EXP_TYPE_RC_END
			     ? EXPRESS_1_SIZE
			     : EXPRESS_1_LINK_SIZE);
}

/* A guest that took more vectors than there are would wait for those that never come. */
static void capability_offer_vectors(uint8_t *flags, uint32_t count)
{
	const uint32_t field = PCI_MSI_FLAGS_QMASK;
	uint32_t value = load_le16(flags), offered = (value & field) >> 1;

	while (offered > 0 && 1U << offered > count)
		offered--;
	store_le16(flags, (uint16_t)((value & ~field) | offered << 1));
}

static bool capability_setup_msi(struct vfio_pci *pci, unsigned int at)
{
	struct err err = {0};

	if (pci->has_msi || vfio_wires_count(&pci->wires, PCI_VECTORS_MSI) == 0)
		return false;
	capability_offer_vectors(pci->device.config + at + PCI_MSI_FLAGS,
				 vfio_wires_count(&pci->wires, PCI_VECTORS_MSI));
	if (pci_msi_init(&pci->msi, &pci->device, at, pci->wires.vectors, &err)) {
		log_warn("passthrough device %s: MSI is hidden: %s", pci->device.name, err.text);
		return false;
	}
	pci->has_msi = true;
	vfio_rules_emulate(pci, at, (unsigned int)align_up(pci_msi_size(&pci->msi), 4));
	return true;
}

static bool capability_setup_msix(struct vfio_pci *pci, unsigned int at)
{
	struct err err = {0};

	if (pci->has_msix || vfio_wires_count(&pci->wires, PCI_VECTORS_MSIX) == 0)
		return false;
	if (pci_msix_init(&pci->msix, &pci->device, at, pci->wires.vectors, &err)) {
		log_warn("passthrough device %s: MSI-X is hidden: %s", pci->device.name, err.text);
		return false;
	}
	pci->has_msix = true;
	vfio_rules_emulate(pci, at, PCI_CAP_MSIX_SIZEOF);
	return true;
}

/* Whether the guest is to see the capability at @at. */
static bool capability_setup(struct vfio_pci *pci, uint8_t id, unsigned int at)
{
	switch (id) {
	case PCI_CAP_ID_PM:
		return capability_setup_power(pci, at);
	case PCI_CAP_ID_EXP:
		return capability_setup_express(pci, at);
	case PCI_CAP_ID_AF:
		return capability_setup_advanced(pci, at);
	case PCI_CAP_ID_MSI:
		return capability_setup_msi(pci, at);
	case PCI_CAP_ID_MSIX:
		return capability_setup_msix(pci, at);
	default:
		return id != PCI_CAP_ID_EA;
	}
}

/* The places in the chain, each once, in its order; bounded, and cut where it runs into garbage. */
static size_t capability_walk_chain(const uint8_t *config, uint8_t *places)
{
	bool seen[PCI_CONFIG_SIZE / 4] = {false};
	unsigned int at = config[PCI_CAPABILITY_LIST] & ~3U;
	size_t count = 0;

	if (!(load_le16(config + PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	while (at >= PCI_STD_HEADER_SIZEOF && !seen[at / 4] && config[at] != GARBAGE_ID) {
		seen[at / 4] = true;
		places[count++] = (uint8_t)at;
		at = config[at + PCI_CAP_LIST_NEXT] & ~3U;
	}
	return count;
}

/* The rules of a capability must not reach into the one that lies behind it. */
static unsigned int capability_find_limit(const uint8_t *config, const uint8_t *places,
					  size_t count, unsigned int at)
{
	unsigned int limit = capability_end(config, at);

	for (size_t i = 0; i < count; i++)
		if (places[i] > at && places[i] < limit)
			limit = places[i];
	return limit < PCI_CONFIG_SIZE ? limit : PCI_CONFIG_SIZE;
}

static void capability_filter_chain(struct vfio_pci *pci)
{
	uint8_t *config = pci->device.config, places[PCI_CONFIG_SIZE / 4];
	size_t count = capability_walk_chain(config, places);
	unsigned int previous = PCI_CAPABILITY_LIST;

	for (size_t i = 0; i < count; i++) {
		unsigned int at = places[i],
			     limit = capability_find_limit(config, places, count, at);
		uint8_t id = config[at];

		vfio_rules_apply_capability(pci, id, at, limit);
		if (id == PCI_CAP_ID_EA)
			capability_hide_allocation(pci, at, limit);
		if (!capability_setup(pci, id, at))
			continue;
		config[previous] = (uint8_t)at;
		previous = at + PCI_CAP_LIST_NEXT;
	}
	config[previous] = 0;
}

static void capability_hide_extended(struct vfio_pci *pci, unsigned int at, unsigned int size)
{
	vfio_rules_emulate(pci, at, size);
	for (unsigned int i = at; i < at + size && i < PCIE_CONFIG_SIZE; i++)
		pci->device.config[i] = 0;
}

static void capability_set_next(uint8_t *config, unsigned int at, unsigned int next)
{
	uint32_t header = load_le32(config + at) & ~((uint32_t)EXT_NEXT_MASK << EXT_NEXT_SHIFT);

	store_le32(config + at, header | next << EXT_NEXT_SHIFT);
}

static void capability_filter_extended(struct vfio_pci *pci)
{
	uint8_t *config = pci->device.config;
	bool seen[PCIE_CONFIG_SIZE / 4] = {false};
	unsigned int previous = PCI_CONFIG_SIZE, at = PCI_CONFIG_SIZE;

	while (at >= PCI_CONFIG_SIZE && !seen[at / 4]) {
		uint32_t header = load_le32(config + at);
		unsigned int hidden = vfio_rules_hidden_size(config, at, header);

		if (header == 0 || (header & EXT_ID_MASK) == EXT_GARBAGE_ID)
			break;
		seen[at / 4] = true;
		vfio_rules_emulate(pci, at, 4);
		if (hidden)
			capability_hide_extended(pci, at, hidden);
		if (hidden && at == PCI_CONFIG_SIZE)
			store_le32(config + at, EXT_VERSION_1); /* the null capability heads it */
		if (!hidden && at != PCI_CONFIG_SIZE) {
			capability_set_next(config, previous, at);
			previous = at;
		}
		at = header >> EXT_NEXT_SHIFT & EXT_NEXT_MASK;
	}
	capability_set_next(config, previous, 0);
	if (!seen[PCI_CONFIG_SIZE / 4] || load_le32(config + PCI_CONFIG_SIZE) == EXT_VERSION_1) {
		vfio_rules_emulate(pci, PCI_CONFIG_SIZE, 4);
		store_le32(config + PCI_CONFIG_SIZE, 0);
	}
}

void vfio_capabilities_setup(struct vfio_pci *pci)
{
	capability_filter_chain(pci);
	if (pci->device.config_size == PCIE_CONFIG_SIZE)
		capability_filter_extended(pci);
}
