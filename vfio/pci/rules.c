/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of config registers: which bits are emulated, cleared, writable and forwarded. */

#include "vfio/pci/rules.h"

#include <linux/pci_regs.h>

#include "vfio/pci/pci.h"
#include "vmm/base/bits.h"

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
 * reset is carried out by VFIO's own call; on the root bus there is no link to tell of (7.5.3: such
 * registers of a root complex integrated endpoint are 0).
 */
static const struct config_rule express_rules[] = {
	{PCI_EXP_FLAGS, 2, PCI_EXP_FLAGS_TYPE, 0, 0, 0},
	{PCI_EXP_DEVCTL, 2, EXPRESS_OURS, PCI_EXP_DEVCTL_PHANTOM | PCI_EXP_DEVCTL_BCR_FLR,
	 PCI_EXP_DEVCTL_PAYLOAD, WORD ^ EXPRESS_OURS},
	{PCI_EXP_LNKCAP, 4, DWORD, DWORD, 0, 0},
	{PCI_EXP_LNKCTL, 2, WORD, WORD, 0, 0},
	{PCI_EXP_LNKSTA, 2, WORD, WORD, 0, 0},
	{PCI_EXP_DEVCTL2, 2, PCI_EXP_DEVCTL2_ARI, PCI_EXP_DEVCTL2_ARI, 0,
	 WORD ^ PCI_EXP_DEVCTL2_ARI},
	{PCI_EXP_LNKCAP2, 4, DWORD, DWORD, 0, 0},
	{PCI_EXP_LNKCTL2, 2, WORD, WORD, 0, 0},
	{PCI_EXP_LNKSTA2, 2, WORD, WORD, 0, 0},
};

/* Advanced Features ECN: its one control bit asks for a function reset. */
static const struct config_rule advanced_rules[] = {
	{PCI_AF_CTRL, 1, PCI_AF_CTRL_FLR, PCI_AF_CTRL_FLR, 0, BYTE ^ PCI_AF_CTRL_FLR},
};

static const struct capability_rules {
	uint8_t id;
	const struct config_rule *rules;
	size_t count;
} capability_rules[] = {
	{PCI_CAP_ID_PM, power_rules, ARRAY_SIZE(power_rules)},
	{PCI_CAP_ID_EXP, express_rules, ARRAY_SIZE(express_rules)},
	{PCI_CAP_ID_AF, advanced_rules, ARRAY_SIZE(advanced_rules)},
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

static void rule_apply(struct vfio_pci *pci, const struct config_rule *rule, unsigned int at)
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

void vfio_rules_emulate(struct vfio_pci *pci, unsigned int offset, unsigned int size)
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
		rule_apply(pci, &header_rules[i], 0);
	store_le16(pci->kept + PCI_COMMAND, WORD ^ COMMAND_OURS);
}

void vfio_rules_apply_capability(struct vfio_pci *pci, uint8_t id, unsigned int at,
				 unsigned int limit)
{
	for (size_t i = 0; i < ARRAY_SIZE(capability_rules); i++) {
		const struct capability_rules *set = &capability_rules[i];

		for (size_t j = 0; set->id == id && j < set->count; j++)
			if (at + set->rules[j].offset + set->rules[j].size <= limit)
				rule_apply(pci, &set->rules[j], at);
	}
	vfio_rules_emulate(pci, at, 2);
}

unsigned int vfio_rules_hidden_size(const uint8_t *config, unsigned int at, uint32_t header)
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
