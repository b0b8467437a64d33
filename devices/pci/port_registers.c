/* SPDX-License-Identifier: BSD-3-Clause */
/* The registers of a root port: what each holds at power-on, and what a guest can write. */

#include "devices/pci/port_private.h"
#include "vmm/base/bits.h"

enum {
	PORT_VENDOR = 0x8086,
	PORT_DEVICE = 0x3420,
	CLASS_PCI_BRIDGE = 0x0604,
};

#define COMMAND_WRITABLE                                                                           \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |           \
	 PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)

#define STATUS_ERRORS                                                                              \
	(PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT |           \
	 PCI_STATUS_REC_MASTER_ABORT | PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY)

#define CONTROL_WRITABLE                                                                           \
	(PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR | PCI_BRIDGE_CTL_ISA |                        \
	 PCI_BRIDGE_CTL_BUS_RESET)

/*
 * PCIe 5.0 7.5.2.1 wants that of a port, which would pass on what comes from behind it. Its slot
 * sends it in D3hot (wake.c). There is no D3cold.
 */
#define PME_FROM (PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot | PCI_PM_CAP_PME_D3cold)

#define DEVICE_CONTROL_WRITABLE                                                                    \
	(PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE |  \
	 PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_NOSNOOP_EN |            \
	 PCI_EXP_DEVCTL_READRQ)

#define DEVICE_STATUS_ERRORS                                                                       \
	(PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD)

/* Not Retrain Link, which reads 0: it is done at once. Nor what goes with bandwidth events. */
#define LINK_CONTROL_WRITABLE                                                                      \
	(PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_LD | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES)

#define BANDWIDTH_ENABLES (PCI_EXP_LNKCTL_LBMIE | PCI_EXP_LNKCTL_LABIE)
#define BANDWIDTH_STATUS  (PCI_EXP_LNKSTA_LBMS | PCI_EXP_LNKSTA_LABS)

/*
 * A command is done at once, and no guest waits for its completion. There is no latch, no interlock
 * and no power fault.
 */
#define SLOT_CAPABILITIES                                                                          \
	(PCI_EXP_SLTCAP_ABP | PCI_EXP_SLTCAP_PCP | PCI_EXP_SLTCAP_AIP | PCI_EXP_SLTCAP_PIP |       \
	 PCI_EXP_SLTCAP_HPS | PCI_EXP_SLTCAP_HPC | PCI_EXP_SLTCAP_NCCS)

#define SLOT_CONTROL_WRITABLE                                                                      \
	(PCI_EXP_SLTCTL_ABPE | PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_AIC |    \
	 PCI_EXP_SLTCTL_PIC | PCI_EXP_SLTCTL_PCC | PCI_EXP_SLTCTL_DLLSCE)

#define SLOT_EVENTS (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC)

#define ROOT_CONTROL_WRITABLE                                                                      \
	(PCI_EXP_RTCTL_SECEE | PCI_EXP_RTCTL_SENFEE | PCI_EXP_RTCTL_SEFEE | PCI_EXP_RTCTL_PMEIE)

#define UNCORRECTABLE                                                                              \
	(PCI_ERR_UNC_DLP | PCI_ERR_UNC_POISON_TLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_COMP_TIME |      \
	 PCI_ERR_UNC_COMP_ABORT | PCI_ERR_UNC_UNX_COMP | PCI_ERR_UNC_RX_OVER |                     \
	 PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_UNSUP | PCI_ERR_UNC_ACSV | PCI_ERR_UNC_INTN)

#define FATAL_AT_FIRST                                                                             \
	(PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP |          \
	 PCI_ERR_UNC_INTN)

#define CORRECTABLE                                                                                \
	(PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | PCI_ERR_COR_BAD_DLLP | PCI_ERR_COR_REP_ROLL |    \
	 PCI_ERR_COR_REP_TIMER | PCI_ERR_COR_ADV_NFAT)

#define ROOT_ERRORS_ENABLED                                                                        \
	(PCI_ERR_ROOT_CMD_COR_EN | PCI_ERR_ROOT_CMD_NONFATAL_EN | PCI_ERR_ROOT_CMD_FATAL_EN)

#define ROOT_ERRORS                                                                                \
	(PCI_ERR_ROOT_COR_RCV | PCI_ERR_ROOT_MULTI_COR_RCV | PCI_ERR_ROOT_UNCOR_RCV |              \
	 PCI_ERR_ROOT_MULTI_UNCOR_RCV | PCI_ERR_ROOT_FIRST_FATAL | PCI_ERR_ROOT_NONFATAL_RCV |     \
	 PCI_ERR_ROOT_FATAL_RCV)

#define ACCESS_CONTROLS (PCI_ACS_SV | PCI_ACS_TB | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

#define CAPABILITY(id, next)                   ((uint32_t)(id) | (uint32_t)(next) << 8)
#define EXTENDED_CAPABILITY(id, version, next) ((id) | (version) << 16 | (uint32_t)(next) << 20)
#define EXPRESS_KIND                                                                               \
	(2 | PCI_EXP_TYPE_ROOT_PORT << 4 | PCI_EXP_FLAGS_SLOT) /* version, type, slot */

/* A closed window: its base lies above its limit. */
enum { CLOSED_IO_BASE = 0xf0, CLOSED_BASE = 0xfff0 };

/*
 * Type 1 header (PCI-to-PCI Bridge 1.2 3.2.5; PCIe 5.0 7.5.1.3) and capabilities (PCIe 5.0 7.5.2,
 * 7.5.3, 7.8.4, 7.7.8; PCI 3.0 6.8.1). What is not mentioned reads 0. There is no VGA behind a
 * port, and I/O ports have 16 bits.
 */
static const struct registers_entry {
	uint16_t offset;
	uint8_t size;
	uint32_t value;    /* at power-on */
	uint32_t writable; /* bits that keep what is written */
	uint32_t clears;   /* bits that a written 1 clears */
} registers[] = {
	{PCI_VENDOR_ID, 2, PORT_VENDOR, 0, 0},
	{PCI_DEVICE_ID, 2, PORT_DEVICE, 0, 0},
	{PCI_COMMAND, 2, 0, COMMAND_WRITABLE, 0},
	{PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0, STATUS_ERRORS},
	{PCI_CLASS_DEVICE, 2, CLASS_PCI_BRIDGE, 0, 0},
	{PCI_CACHE_LINE_SIZE, 1, 0, 0xff, 0},
	{PCI_HEADER_TYPE, 1, PCI_HEADER_TYPE_BRIDGE, 0, 0},
	{PCI_PRIMARY_BUS, 3, 0, 0xffffff, 0},
	{PCI_IO_BASE, 1, CLOSED_IO_BASE, 0xf0, 0},
	{PCI_IO_LIMIT, 1, 0, 0xf0, 0},
	{PCI_SEC_STATUS, 2, 0, 0, STATUS_ERRORS},
	{PCI_MEMORY_BASE, 2, CLOSED_BASE, 0xfff0, 0},
	{PCI_MEMORY_LIMIT, 2, 0, 0xfff0, 0},
	{PCI_PREF_MEMORY_BASE, 2, CLOSED_BASE | PCI_PREF_RANGE_TYPE_64, 0xfff0, 0},
	{PCI_PREF_MEMORY_LIMIT, 2, PCI_PREF_RANGE_TYPE_64, 0xfff0, 0},
	{PCI_PREF_BASE_UPPER32, 4, 0, UINT32_MAX, 0},
	{PCI_PREF_LIMIT_UPPER32, 4, 0, UINT32_MAX, 0},
	{PCI_CAPABILITY_LIST, 1, PORT_POWER, 0, 0},
	{PCI_INTERRUPT_LINE, 1, 0, 0xff, 0},
	{PCI_INTERRUPT_PIN, 1, 1, 0, 0},
	{PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CTL_SERR, CONTROL_WRITABLE, 0}, /* as of firmware */

	{PORT_POWER, 2, CAPABILITY(PCI_CAP_ID_PM, PORT_EXPRESS), 0, 0},
	{PORT_POWER + PCI_PM_PMC, 2, 3 | PME_FROM, 0, 0},
	{PORT_POWER + PCI_PM_CTRL, 2, PCI_PM_CTRL_NO_SOFT_RESET,
	 PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE, PCI_PM_CTRL_PME_STATUS},

	{PORT_EXPRESS, 2, CAPABILITY(PCI_CAP_ID_EXP, PORT_MESSAGES), 0, 0},
	{PORT_EXPRESS + PCI_EXP_FLAGS, 2, EXPRESS_KIND, 0, 0},
	{PORT_EXPRESS + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_RBER, 0, 0},
	{PORT_EXPRESS + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN,
	 DEVICE_CONTROL_WRITABLE, 0},
	{PORT_EXPRESS + PCI_EXP_DEVSTA, 2, 0, 0, DEVICE_STATUS_ERRORS},
	{PORT_EXPRESS + PCI_EXP_LNKCAP, 4, PCI_EXP_LNKCAP_DLLLARC, 0, 0},
	{PORT_EXPRESS + PCI_EXP_LNKCTL, 2, 0, LINK_CONTROL_WRITABLE, 0},
	{PORT_EXPRESS + PCI_EXP_SLTCAP, 4, SLOT_CAPABILITIES, 0, 0},
	{PORT_EXPRESS + PCI_EXP_SLTCTL, 2, 0, SLOT_CONTROL_WRITABLE, 0},
	{PORT_EXPRESS + PCI_EXP_SLTSTA, 2, 0, 0, SLOT_EVENTS},
	{PORT_EXPRESS + PCI_EXP_RTCTL, 2, 0, ROOT_CONTROL_WRITABLE, 0},
	{PORT_EXPRESS + PCI_EXP_RTSTA, 4, 0, 0, PCI_EXP_RTSTA_PME},
	{PORT_EXPRESS + PCI_EXP_DEVCAP2, 4, PCI_EXP_DEVCAP2_COMP_TMOUT_DIS, 0, 0},
	{PORT_EXPRESS + PCI_EXP_DEVCTL2, 2, 0, PCI_EXP_DEVCTL2_COMP_TMOUT_DIS, 0},
	{PORT_EXPRESS + PCI_EXP_LNKCTL2, 2, 0, PCI_EXP_LNKCTL2_TLS, 0},

	{PORT_MESSAGES, 2, CAPABILITY(PCI_CAP_ID_MSI, 0), 0, 0},
	{PORT_MESSAGES + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_64BIT, 0, 0},

	{PORT_ERRORS, 4, EXTENDED_CAPABILITY(PCI_EXT_CAP_ID_ERR, 2, PORT_ACCESS), 0, 0},
	{PORT_ERRORS + PCI_ERR_UNCOR_STATUS, 4, 0, 0, UNCORRECTABLE},
	{PORT_ERRORS + PCI_ERR_UNCOR_MASK, 4, 0, UNCORRECTABLE, 0},
	{PORT_ERRORS + PCI_ERR_UNCOR_SEVER, 4, FATAL_AT_FIRST, UNCORRECTABLE ^ PCI_ERR_UNC_INTN, 0},
	{PORT_ERRORS + PCI_ERR_COR_STATUS, 4, 0, 0, CORRECTABLE},
	{PORT_ERRORS + PCI_ERR_COR_MASK, 4, PCI_ERR_COR_ADV_NFAT, CORRECTABLE, 0},
	{PORT_ERRORS + PCI_ERR_ROOT_COMMAND, 4, 0, ROOT_ERRORS_ENABLED, 0},
	{PORT_ERRORS + PCI_ERR_ROOT_STATUS, 4, 0, 0, ROOT_ERRORS},

	{PORT_ACCESS, 4, EXTENDED_CAPABILITY(PCI_EXT_CAP_ID_ACS, 1, 0), 0, 0},
	{PORT_ACCESS + PCI_ACS_CAP, 2, ACCESS_CONTROLS, 0, 0},
	{PORT_ACCESS + PCI_ACS_CTRL, 2, 0, ACCESS_CONTROLS, 0},
};

/* As a link of one lane that knows the first speed alone, where nothing better is known. */
static struct pci_link registers_fill_link(const struct pci_link *from)
{
	struct pci_link link = *from;

	link.speed_max = link.speed_max ? link.speed_max : 1;
	link.width_max = link.width_max ? link.width_max : 1;
	link.speeds = link.speeds ? link.speeds : (1U << link.speed_max) - 1;
	link.speed = link.speed ? link.speed : link.speed_max;
	link.width = link.width ? link.width : link.width_max;
	return link;
}

static void registers_raise(unsigned int *number, unsigned int to)
{
	if (*number < to)
		*number = to;
}

/* PCIe 5.0 7.5.3.6: a link that can have another width or speed than it has tells of changes. */
static bool registers_link_may_change(const struct pci_link *link)
{
	return link->width_max > 1 || (link->speeds & (link->speeds - 1)) != 0;
}

static void registers_store_capabilities(const struct pci_link *link, uint8_t *express)
{
	uint32_t link_capabilities = load_le32(express + PCI_EXP_LNKCAP) &
				     ~(uint32_t)(PCI_EXP_LNKCAP_SLS | PCI_EXP_LNKCAP_MLW);

	link_capabilities |= link->speed_max | link->width_max << 4;
	if (registers_link_may_change(link))
		link_capabilities |= PCI_EXP_LNKCAP_LBNC;
	store_le32(express + PCI_EXP_LNKCAP, link_capabilities);
	store_le32(express + PCI_EXP_LNKCAP2, link->speeds << 1);
	express[PCI_EXP_DEVCAP] &= (uint8_t)~PCI_EXP_DEVCAP_PAYLOAD;
	express[PCI_EXP_DEVCAP] |= (uint8_t)link->payload_max;
}

/* What firmware sets, and a guest may set otherwise. */
static void registers_store_choices(const struct pci_link *link, uint8_t *express)
{
	express[PCI_EXP_DEVCTL] &= (uint8_t)~PCI_EXP_DEVCTL_PAYLOAD;
	express[PCI_EXP_DEVCTL] |= (uint8_t)(link->payload << 5);
	express[PCI_EXP_LNKCTL2] = (uint8_t)link->speed_max;
}

void pci_port_take_link(struct pci_port *port, const struct pci_link *from)
{
	struct pci_device *device = &port->device;
	struct pci_link *link = &port->link, filled = registers_fill_link(from);

	registers_raise(&link->speed_max, filled.speed_max);
	registers_raise(&link->width_max, filled.width_max);
	registers_raise(&link->payload_max, filled.payload_max);
	link->speeds |= filled.speeds;
	link->speed = filled.speed;
	link->width = filled.width;
	link->payload = filled.payload;
	registers_store_capabilities(link, device->config + PORT_EXPRESS);
	registers_store_capabilities(link, device->reset_config + PORT_EXPRESS);
	registers_store_choices(link, device->reset_config + PORT_EXPRESS);
	if (!registers_link_may_change(link))
		return;
	store_le16(device->write_mask + PORT_EXPRESS + PCI_EXP_LNKCTL,
		   LINK_CONTROL_WRITABLE | BANDWIDTH_ENABLES);
	store_le16(device->write_1_clear + PORT_EXPRESS + PCI_EXP_LNKSTA, BANDWIDTH_STATUS);
}

void pci_port_set_registers(struct pci_port *port, const struct pci_link *link)
{
	struct pci_device *device = &port->device;

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
		const struct registers_entry *at = &registers[i];

		store_le(device->config + at->offset, at->size, at->value);
		store_le(device->write_mask + at->offset, at->size, at->writable);
		store_le(device->write_1_clear + at->offset, at->size, at->clears);
	}
	device->pm_capability = PORT_POWER;
	pci_port_take_link(port, link);
	registers_store_choices(&port->link, device->config + PORT_EXPRESS);
}
