/* SPDX-License-Identifier: BSD-3-Clause */
/* Who answers for each bit of config space: tables of registers, and both capability chains. */

#include "vfio/pci/rules.h"

#include <linux/pci_regs.h>
#include <string.h>

#include "vfio/pci/pci.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

/*
 * One register. What no rule mentions is the device's, read and written; the kernel's own table
 * stands behind it (drivers/vfio/pci/vfio_pci_config.c).
 */
struct config_rule {
	uint16_t offset;    /* from the start of the header or capability */
	uint8_t size;       /* bytes, 1 to 4 */
	uint32_t emulated;  /* bits that reads take from the shadow */
	uint32_t cleared;   /* of those, the ones that are 0 whatever the device says */
	uint32_t writable;  /* bits that a guest's write changes in the shadow */
	uint32_t forwarded; /* bits of a guest's write that reach the device */
};

#define BYTE  0xffU
#define WORD  0xffffU
#define DWORD 0xffffffffU

/* What every device has. Of the rest, such as memory write and invalidate, it may lack any. */
#define COMMAND_OURS                                                                               \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |           \
	 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)

/* Type 0 header (PCI 3.0 6.1). BARs and ROM get their masks where they are declared. */
static const struct config_rule header_rules[] = {
	{PCI_VENDOR_ID, 2, WORD, 0, 0, 0},
	{PCI_DEVICE_ID, 2, WORD, 0, 0, 0},
	{PCI_COMMAND, 2, WORD, WORD, WORD, WORD ^ PCI_COMMAND_SERR}, /* the host's */
	{PCI_STATUS, 2, 0, 0, 0, WORD}, /* errors are written 1 to clear, in the device */
	{PCI_REVISION_ID, 4, DWORD, 0, 0, 0},
	{PCI_CACHE_LINE_SIZE, 1, 0, 0, 0, BYTE},
	{PCI_LATENCY_TIMER, 1, 0, 0, 0, BYTE},
	{PCI_HEADER_TYPE, 1, BYTE, BYTE, 0, 0}, /* the PCI host sets the multi-function bit */
	{PCI_BIST, 1, BYTE, BYTE, 0, 0},
	{PCI_BASE_ADDRESS_0, 4, DWORD, 0, 0, 0},
	{PCI_BASE_ADDRESS_1, 4, DWORD, 0, 0, 0},
	{PCI_BASE_ADDRESS_2, 4, DWORD, 0, 0, 0},
	{PCI_BASE_ADDRESS_3, 4, DWORD, 0, 0, 0},
	{PCI_BASE_ADDRESS_4, 4, DWORD, 0, 0, 0},
	{PCI_BASE_ADDRESS_5, 4, DWORD, 0, 0, 0},
	{PCI_CARDBUS_CIS, 4, DWORD, 0, 0, 0},
	{PCI_SUBSYSTEM_VENDOR_ID, 4, DWORD, 0, 0, 0},
	{PCI_ROM_ADDRESS, 4, DWORD, 0, 0, 0},
	{PCI_CAPABILITY_LIST, 4, DWORD, 0, 0, 0},
	{0x38, 4, DWORD, 0, 0, 0},
	{PCI_INTERRUPT_LINE, 1, BYTE, BYTE, BYTE, 0},
	{PCI_INTERRUPT_PIN, 3, 0xffffff, 0, 0, 0},
};

#define PM_EVENT (PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS)

/* PM 1.2 3.2. A guest cannot wake the host, so no power management events. */
static const struct config_rule power_rules[] = {
	{PCI_PM_PMC, 2, PCI_PM_CAP_PME_MASK, PCI_PM_CAP_PME_MASK, 0, WORD ^ PCI_PM_CAP_PME_MASK},
	{PCI_PM_CTRL, 2, PCI_PM_CTRL_STATE_MASK | PM_EVENT, PM_EVENT, PCI_PM_CTRL_STATE_MASK,
	 WORD ^ PM_EVENT},
};

#define EXPRESS_OURS (PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_PHANTOM | PCI_EXP_DEVCTL_BCR_FLR)

/*
 * PCIe 5.0 7.5.3. Payload size and phantom functions are the host's, by its topology; a function
 * reset is carried out by VFIO's own call.
 */
static const struct config_rule express_rules[] = {
	{PCI_EXP_FLAGS, 2, PCI_EXP_FLAGS_TYPE, 0, 0, 0},
	{PCI_EXP_DEVCTL, 2, EXPRESS_OURS, PCI_EXP_DEVCTL_PHANTOM | PCI_EXP_DEVCTL_BCR_FLR,
	 PCI_EXP_DEVCTL_PAYLOAD, WORD ^ EXPRESS_OURS},
	{PCI_EXP_DEVCTL2, 2, PCI_EXP_DEVCTL2_ARI, PCI_EXP_DEVCTL2_ARI, 0,
	 WORD ^ PCI_EXP_DEVCTL2_ARI},
};

/*
 * On the root bus there is no link to tell of (PCIe 5.0 7.5.3: such registers of a root complex
 * integrated endpoint are 0).
 */
static const struct config_rule unlinked_rules[] = {
	{PCI_EXP_LNKCAP, 4, DWORD, DWORD, 0, 0}, {PCI_EXP_LNKCTL, 2, WORD, WORD, 0, 0},
	{PCI_EXP_LNKSTA, 2, WORD, WORD, 0, 0},   {PCI_EXP_LNKCAP2, 4, DWORD, DWORD, 0, 0},
	{PCI_EXP_LNKCTL2, 2, WORD, WORD, 0, 0},  {PCI_EXP_LNKSTA2, 2, WORD, WORD, 0, 0},
};

#define LINK_KEPT                                                                                  \
	(PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES |      \
	 PCI_EXP_LNKCTL_CLKREQ_EN | PCI_EXP_LNKCTL_HAWD)

#define ERRORS_REPORTED                                                                            \
	(PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE)
#define ERRORS_DETECTED                                                                            \
	(PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD)

/*
 * Behind a port the device tells of its link as it is. What the guest sets stays in the shadow: the
 * host runs the link. Which errors there were is told by vfio/pci/aer.c.
 */
static const struct config_rule linked_rules[] = {
	{PCI_EXP_DEVCTL, 2, EXPRESS_OURS | ERRORS_REPORTED,
	 PCI_EXP_DEVCTL_PHANTOM | PCI_EXP_DEVCTL_BCR_FLR, PCI_EXP_DEVCTL_PAYLOAD | ERRORS_REPORTED,
	 WORD ^ EXPRESS_OURS},
	{PCI_EXP_DEVSTA, 2, ERRORS_DETECTED, ERRORS_DETECTED, 0, WORD ^ ERRORS_DETECTED},
	{PCI_EXP_LNKCTL, 2, WORD, WORD, LINK_KEPT, 0},
	{PCI_EXP_LNKSTA, 2, 0, 0, 0, 0},
	{PCI_EXP_LNKCTL2, 2, WORD, WORD ^ PCI_EXP_LNKCTL2_TLS, PCI_EXP_LNKCTL2_TLS, 0},
	{PCI_EXP_LNKSTA2, 2, 0, 0, 0, 0},
};

/* Advanced Features ECN: its one control bit asks for a function reset. */
static const struct config_rule advanced_rules[] = {
	{PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR, PCI_AF_CTRL_FLR, 0, BYTE ^ PCI_AF_CTRL_FLR},
};

static const struct capability_rules {
	uint8_t id;
	enum { ANYWHERE, ON_ROOT_BUS, BEHIND_PORT } where;
	const struct config_rule *rules;
	size_t count;
} capability_rules[] = {
	{PCI_CAP_ID_PM, ANYWHERE, power_rules, ARRAY_SIZE(power_rules)},
	{PCI_CAP_ID_EXP, ANYWHERE, express_rules, ARRAY_SIZE(express_rules)},
	{PCI_CAP_ID_EXP, ON_ROOT_BUS, unlinked_rules, ARRAY_SIZE(unlinked_rules)},
	{PCI_CAP_ID_EXP, BEHIND_PORT, linked_rules, ARRAY_SIZE(linked_rules)},
	{PCI_CAP_ID_AF, ANYWHERE, advanced_rules, ARRAY_SIZE(advanced_rules)},
};

/* Of PCI_ERR_CAP, PCIe 5.0 7.8.4.7: what belongs to the log of an error, and that of several. */
#define ERROR_LOG 0xe1f

/* PCIe 5.0 7.8.4, behind a port. Masks and severities are the device's to obey. */
static const struct config_rule error_rules[] = {
	{PCI_ERR_UNCOR_STATUS, 4, DWORD, DWORD, 0, 0},
	{PCI_ERR_COR_STATUS, 4, DWORD, DWORD, 0, 0},
	{PCI_ERR_CAP, 4, ERROR_LOG, ERROR_LOG, 0, DWORD ^ ERROR_LOG},
	{PCI_ERR_HEADER_LOG, 4, DWORD, DWORD, 0, 0},
	{PCI_ERR_HEADER_LOG + 4, 4, DWORD, DWORD, 0, 0},
	{PCI_ERR_HEADER_LOG + 8, 4, DWORD, DWORD, 0, 0},
	{PCI_ERR_HEADER_LOG + 12, 4, DWORD, DWORD, 0, 0},
};

enum {
	EXT_ID_MASK = 0xffff,
	EXT_ID_VF_REBAR = 0x24,
	LINKS_AT = 5, /* of Root Complex Link Declaration: how many, then where the first is */
	LINKS_BEGIN = 16,
	LINK_SIZE = 16,
	REBAR_COUNT_AT = 8, /* of the first control register, which tells how many there are */
	REBAR_COUNT_SHIFT = 5,
	REBAR_COUNT_MASK = 7,
};

/*
 * What a guest must not drive, as it would move BARs, make functions or need an IOMMU of its own;
 * and what holds addresses of the host's (Multicast, Root Complex Link Declaration).
 */
static const struct hidden_capability {
	uint16_t id;
	uint16_t size; /* header included; 0: as many pairs or links behind it as it says */
} hidden_extended[] = {
	{PCI_EXT_CAP_ID_ARI, 8},  {PCI_EXT_CAP_ID_ATS, 8},    {PCI_EXT_CAP_ID_SRIOV, 64},
	{PCI_EXT_CAP_ID_PRI, 16}, {PCI_EXT_CAP_ID_REBAR, 0},  {PCI_EXT_CAP_ID_PASID, 8},
	{EXT_ID_VF_REBAR, 0},     {PCI_EXT_CAP_ID_MCAST, 48}, {PCI_EXT_CAP_ID_RCLD, 0},
};

static void rules_apply(struct vfio_pci *pci, const struct config_rule *rule, unsigned int at)
{
	struct pci_device *device = &pci->device;

	at += rule->offset;
	store_le(pci->emulated + at, rule->size, rule->emulated);
	store_le(pci->forwarded + at, rule->size, rule->forwarded);
	store_le(pci->kept + at, rule->size, rule->emulated & rule->writable & rule->forwarded);
	store_le(device->write_mask + at, rule->size, rule->writable);
	store_le(device->config + at, rule->size,
		 load_le(device->config + at, rule->size) & ~(uint64_t)rule->cleared);
}

/* [@offset, @offset + @size) is answered by the shadow, writes are not forwarded; clipped. */
static void rules_emulate(struct vfio_pci *pci, unsigned int offset, unsigned int size)
{
	for (unsigned int i = offset; i < offset + size && i < pci->device.config_size; i++) {
		pci->emulated[i] = 0xff;
		pci->forwarded[i] = pci->kept[i] = 0;
	}
}

void vfio_rules_apply_header(struct vfio_pci *pci)
{
	memset(pci->emulated, 0, sizeof(pci->emulated));
	memset(pci->forwarded, 0xff, sizeof(pci->forwarded));
	memset(pci->kept, 0, sizeof(pci->kept));
	for (size_t i = 0; i < ARRAY_SIZE(header_rules); i++)
		rules_apply(pci, &header_rules[i], 0);
	store_le16(pci->kept + PCI_COMMAND, WORD ^ COMMAND_OURS);
}

/*
 * Applies the rules of capability @id at @at, as far as they end at or before @limit, the place of
 * whatever comes next. A capability without rules stays the device's but for its first two bytes.
 */
static void rules_apply_capability(struct vfio_pci *pci, uint8_t id, unsigned int at,
				   unsigned int limit)
{
	for (size_t i = 0; i < ARRAY_SIZE(capability_rules); i++) {
		const struct capability_rules *set = &capability_rules[i];

		if (set->where == (pci->options.port ? ON_ROOT_BUS : BEHIND_PORT))
			continue;
		for (size_t j = 0; set->id == id && j < set->count; j++)
			if (at + set->rules[j].offset + set->rules[j].size <= limit)
				rules_apply(pci, &set->rules[j], at);
	}
	rules_emulate(pci, at, 2);
}

/*
 * How many bytes of the extended capability with @header at @at are to be hidden; 0: the guest is
 * to see it.
 */
static unsigned int rules_hidden_size(const uint8_t *config, unsigned int at, uint32_t header)
{
	const struct hidden_capability *hidden = hidden_extended;
	uint32_t control;

	while (hidden->id != (header & EXT_ID_MASK))
		if (++hidden == hidden_extended + ARRAY_SIZE(hidden_extended))
			return 0;
	if (hidden->size)
		return hidden->size;
	if (!range_fits(at, REBAR_COUNT_AT + 4, PCIE_CONFIG_SIZE))
		return 4;
	if (hidden->id == PCI_EXT_CAP_ID_RCLD)
		return LINKS_BEGIN + LINK_SIZE * (unsigned int)config[at + LINKS_AT];
	control = load_le32(config + at + REBAR_COUNT_AT);
	return 4 + 8 * (control >> REBAR_COUNT_SHIFT & REBAR_COUNT_MASK);
}

enum {
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
static void rules_hide_allocation(struct vfio_pci *pci, unsigned int at, unsigned int limit)
{
	uint8_t *config = pci->device.config;
	unsigned int entries = config[at + PCI_EA_NUM_ENT] & PCI_EA_NUM_ENT_MASK;
	unsigned int end = at + PCI_EA_FIRST_ENT;

	for (; entries && end < limit; entries--)
		end += 4 * (1 + (config[end] & (unsigned int)PCI_EA_ES));
	end = end < limit ? end : limit;
	rules_emulate(pci, at, end - at);
	memset(config + at, 0, end - at);
}

static bool rules_setup_power(struct vfio_pci *pci, unsigned int at)
{
	if (pci->device.pm_capability || !range_fits(at, PCI_PM_SIZEOF, PCI_CONFIG_SIZE))
		return false;
	pci->device.pm_capability = at;
	pci->device.write_1_clear[at + PCI_PM_CTRL + 1] |= PCI_PM_CTRL_PME_STATUS >> 8;
	return true;
}

static unsigned int rules_express_type(const uint8_t *flags)
{
	return (load_le16(flags) & (unsigned int)PCI_EXP_FLAGS_TYPE) >> TYPE_SHIFT;
}

/* A guest is not offered a function reset, bits @mask of byte @at, that VFIO cannot carry out. */
static void rules_offer_reset(struct vfio_pci *pci, unsigned int at, uint8_t mask)
{
	if (pci->reset.by_function)
		return;
	pci->emulated[at] |= mask;
	pci->device.config[at] &= (uint8_t)~mask;
}

static void rules_set_express_type(struct vfio_pci *pci, unsigned int at, unsigned int type)
{
	uint8_t *flags = pci->device.config + at + PCI_EXP_FLAGS;
	unsigned int others = load_le16(flags) & ~(unsigned int)PCI_EXP_FLAGS_TYPE;

	store_le16(flags, (uint16_t)(others | type << TYPE_SHIFT));
}

/*
 * An endpoint of the host's root complex has registers of a link with nothing in them, if it has
 * them: behind a port its link has one lane of the first speed.
 */
static void rules_make_link(struct vfio_pci *pci, unsigned int at)
{
	static const struct {
		uint8_t offset, size;
		uint32_t value;
	} registers[] = {
		{PCI_EXP_LNKCAP, 4, PCI_EXP_LNKCAP_SLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1},
		{PCI_EXP_LNKSTA, 2, PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1},
		{PCI_EXP_LNKCAP2, 4, PCI_EXP_LNKCAP2_SLS_2_5GB},
	};

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		rules_emulate(pci, at + registers[i].offset, registers[i].size);
		store_le(pci->device.config + at + registers[i].offset, registers[i].size,
			 registers[i].value);
	}
	rules_set_express_type(pci, at, PCI_EXP_TYPE_ENDPOINT);
}

/*
 * On the root bus every endpoint is one of the root complex's own: software expects a port above
 * any other kind, and a link to it. Behind a port none is.
 */
static void rules_place_express(struct vfio_pci *pci, unsigned int at, unsigned int limit)
{
	const uint8_t *flags = pci->device.config + at + PCI_EXP_FLAGS;
	unsigned int type = rules_express_type(flags);
	bool endpoint = type == PCI_EXP_TYPE_ENDPOINT || type == PCI_EXP_TYPE_LEG_END;

	if (!pci->options.port) {
		if (endpoint)
			rules_set_express_type(pci, at, PCI_EXP_TYPE_RC_END);
		return;
	}
	pci->linked = endpoint && at + EXPRESS_1_LINK_SIZE <= limit;
	if (type != PCI_EXP_TYPE_RC_END || at + EXPRESS_2_SIZE > limit)
		return;
	rules_make_link(pci, at);
	pci->linked = true;
}

static bool rules_setup_express(struct vfio_pci *pci, unsigned int at, unsigned int limit)
{
	if (pci->express || !range_fits(at, EXPRESS_1_SIZE, PCI_CONFIG_SIZE))
		return false;
	rules_place_express(pci, at, limit);
	rules_offer_reset(pci, at + PCI_EXP_DEVCAP + 3, PCI_EXP_DEVCAP_FLR >> 24);
	pci->express = at;
	return true;
}

static bool rules_setup_advanced(struct vfio_pci *pci, unsigned int at)
{
	if (pci->advanced || !range_fits(at, PCI_CAP_AF_SIZEOF, PCI_CONFIG_SIZE))
		return false;
	rules_offer_reset(pci, at + PCI_AF_CAP, PCI_AF_CAP_FLR);
	pci->advanced = at;
	return true;
}

/* Where the registers of the capability at @at end, as far as its kind tells. */
static unsigned int rules_capability_end(const uint8_t *config, unsigned int at)
{
	uint16_t flags = load_le16(config + at + PCI_EXP_FLAGS);

	if (config[at] != PCI_CAP_ID_EXP)
		return PCI_CONFIG_SIZE;
	if ((flags & PCI_EXP_FLAGS_VERS) > 1)
		return at + EXPRESS_2_SIZE;
	return at + (rules_express_type(config + at + PCI_EXP_FLAGS) == PCI_EXP_TYPE_RC_END
			     ? EXPRESS_1_SIZE
			     : EXPRESS_1_LINK_SIZE);
}

/* A guest that took more vectors than there are would wait for those that never come. */
static void rules_offer_vectors(uint8_t *flags, uint32_t count)
{
	const uint32_t field = PCI_MSI_FLAGS_QMASK;
	uint32_t value = load_le16(flags), offered = (value & field) >> 1;

	while (offered > 0 && 1U << offered > count)
		offered--;
	store_le16(flags, (uint16_t)((value & ~field) | offered << 1));
}

static bool rules_setup_msi(struct vfio_pci *pci, unsigned int at)
{
	struct err err = {0};

	if (pci->has_msi || vfio_wires_count(&pci->wires, PCI_VECTORS_MSI) == 0)
		return false;
	rules_offer_vectors(pci->device.config + at + PCI_MSI_FLAGS,
			    vfio_wires_count(&pci->wires, PCI_VECTORS_MSI));
	if (pci_msi_init(&pci->msi, &pci->device, at, pci->wires.vectors, &err)) {
		log_warn("passthrough device %s: MSI is hidden: %s", pci->device.name, err.text);
		return false;
	}
	pci->has_msi = true;
	rules_emulate(pci, at, (unsigned int)align_up(pci_msi_size(&pci->msi), 4));
	return true;
}

static bool rules_setup_msix(struct vfio_pci *pci, unsigned int at)
{
	struct err err = {0};

	if (pci->has_msix || vfio_wires_count(&pci->wires, PCI_VECTORS_MSIX) == 0)
		return false;
	if (pci_msix_init(&pci->msix, &pci->device, at, pci->wires.vectors, &err)) {
		log_warn("passthrough device %s: MSI-X is hidden: %s", pci->device.name, err.text);
		return false;
	}
	pci->has_msix = true;
	rules_emulate(pci, at, PCI_CAP_MSIX_SIZEOF);
	return true;
}

/* Whether the guest is to see the capability at @at, which ends at @limit. */
static bool rules_setup_capability(struct vfio_pci *pci, uint8_t id, unsigned int at,
				   unsigned int limit)
{
	switch (id) {
	case PCI_CAP_ID_PM:
		return rules_setup_power(pci, at);
	case PCI_CAP_ID_EXP:
		return rules_setup_express(pci, at, limit);
	case PCI_CAP_ID_AF:
		return rules_setup_advanced(pci, at);
	case PCI_CAP_ID_MSI:
		return rules_setup_msi(pci, at);
	case PCI_CAP_ID_MSIX:
		return rules_setup_msix(pci, at);
	default:
		return id != PCI_CAP_ID_EA;
	}
}

/* The places in the chain, each once, in its order; bounded, and cut where it runs into garbage. */
static size_t rules_walk_chain(const uint8_t *config, uint8_t *places)
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
static unsigned int rules_find_limit(const uint8_t *config, const uint8_t *places, size_t count,
				     unsigned int at)
{
	unsigned int limit = rules_capability_end(config, at);

	for (size_t i = 0; i < count; i++)
		if (places[i] > at && places[i] < limit)
			limit = places[i];
	return limit < PCI_CONFIG_SIZE ? limit : PCI_CONFIG_SIZE;
}

static void rules_filter_chain(struct vfio_pci *pci)
{
	uint8_t *config = pci->device.config, places[PCI_CONFIG_SIZE / 4];
	size_t count = rules_walk_chain(config, places);
	unsigned int previous = PCI_CAPABILITY_LIST;

	for (size_t i = 0; i < count; i++) {
		unsigned int at = places[i], limit = rules_find_limit(config, places, count, at);
		uint8_t id = config[at];

		rules_apply_capability(pci, id, at, limit);
		if (id == PCI_CAP_ID_EA)
			rules_hide_allocation(pci, at, limit);
		if (!rules_setup_capability(pci, id, at, limit))
			continue;
		config[previous] = (uint8_t)at;
		previous = at + PCI_CAP_LIST_NEXT;
	}
	config[previous] = 0;
}

static void rules_hide_extended(struct vfio_pci *pci, unsigned int at, unsigned int size)
{
	rules_emulate(pci, at, size);
	for (unsigned int i = at; i < at + size && i < PCIE_CONFIG_SIZE; i++)
		pci->device.config[i] = 0;
}

static void rules_set_next(uint8_t *config, unsigned int at, unsigned int next)
{
	uint32_t header = load_le32(config + at) & ~((uint32_t)EXT_NEXT_MASK << EXT_NEXT_SHIFT);

	store_le32(config + at, header | next << EXT_NEXT_SHIFT);
}

static void rules_setup_errors(struct vfio_pci *pci, unsigned int at)
{
	if (!pci->options.port || pci->aer.capability ||
	    !range_fits(at, PCI_ERR_HEADER_LOG + 16, PCIE_CONFIG_SIZE))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(error_rules); i++)
		rules_apply(pci, &error_rules[i], at);
	vfio_aer_setup(pci, at);
}

static void rules_filter_extended(struct vfio_pci *pci)
{
	uint8_t *config = pci->device.config;
	bool seen[PCIE_CONFIG_SIZE / 4] = {false};
	unsigned int previous = PCI_CONFIG_SIZE, at = PCI_CONFIG_SIZE;

	while (at >= PCI_CONFIG_SIZE && !seen[at / 4]) {
		uint32_t header = load_le32(config + at);
		unsigned int hidden = rules_hidden_size(config, at, header);

		if (header == 0 || (header & EXT_ID_MASK) == EXT_GARBAGE_ID)
			break;
		seen[at / 4] = true;
		rules_emulate(pci, at, 4);
		if (hidden)
			rules_hide_extended(pci, at, hidden);
		if ((header & EXT_ID_MASK) == PCI_EXT_CAP_ID_ERR)
			rules_setup_errors(pci, at);
		if (hidden && at == PCI_CONFIG_SIZE)
			store_le32(config + at, EXT_VERSION_1); /* the null capability heads it */
		if (!hidden && at != PCI_CONFIG_SIZE) {
			rules_set_next(config, previous, at);
			previous = at;
		}
		at = header >> EXT_NEXT_SHIFT & EXT_NEXT_MASK;
	}
	rules_set_next(config, previous, 0);
	if (!seen[PCI_CONFIG_SIZE / 4] || load_le32(config + PCI_CONFIG_SIZE) == EXT_VERSION_1) {
		rules_emulate(pci, PCI_CONFIG_SIZE, 4);
		store_le32(config + PCI_CONFIG_SIZE, 0);
	}
}

void vfio_rules_apply_capabilities(struct vfio_pci *pci)
{
	rules_filter_chain(pci);
	if (pci->device.config_size == PCIE_CONFIG_SIZE)
		rules_filter_extended(pci);
}
