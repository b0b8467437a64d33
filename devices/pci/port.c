/* SPDX-License-Identifier: BSD-3-Clause */
/* A root port: its registers, what it lets through either way, resets of the link below. */

#include "devices/pci/port.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "devices/pci/host.h"
#include "devices/pci/msi.h"
#include "devices/pci/window.h"
#include "vmm/base/bits.h"

enum {
	PORT_VENDOR = 0x8086,
	PORT_DEVICE = 0x3420,
	CLASS_PCI_BRIDGE = 0x0604,

	/* Where its capabilities are. */
	POWER = 0x40,
	EXPRESS = 0x48,
	MESSAGES = 0x84,
	ERRORS = 0x100,
	ACCESS = 0x148,
};

struct pci_port {
	struct pci_device device;
	struct pci_bus bus;
	struct pci_link link;
	struct pci_vectors *vectors;
	struct pci_msi msi;
	uint8_t power;         /* the state it is in: not all that can be written exist */
	bool resetting;        /* the guest's write that resets the link waits ... */
	uint8_t reset_awaited; /* ... for these functions, by bit */
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

#define PME_FROM (PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot | PCI_PM_CAP_PME_D3cold)

#define DEVICE_CONTROL_WRITABLE                                                                    \
	(PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE | PCI_EXP_DEVCTL_URRE |  \
	 PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_NOSNOOP_EN |            \
	 PCI_EXP_DEVCTL_READRQ)

#define DEVICE_STATUS_ERRORS                                                                       \
	(PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED | PCI_EXP_DEVSTA_URD)

/* Not Retrain Link, which reads 0: it is done at once. */
#define LINK_CONTROL_WRITABLE                                                                      \
	(PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_LD | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES)

#define ROOT_CONTROL_WRITABLE                                                                      \
	(PCI_EXP_RTCTL_SECEE | PCI_EXP_RTCTL_SENFEE | PCI_EXP_RTCTL_SEFEE | PCI_EXP_RTCTL_PMEIE)

#define UNCORRECTABLE                                                                              \
	(PCI_ERR_UNC_DLP | PCI_ERR_UNC_POISON_TLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_COMP_TIME |      \
	 PCI_ERR_UNC_COMP_ABORT | PCI_ERR_UNC_UNX_COMP | PCI_ERR_UNC_RX_OVER |                     \
	 PCI_ERR_UNC_MALF_TLP | PCI_ERR_UNC_UNSUP | PCI_ERR_UNC_ACSV)

#define FATAL_AT_FIRST                                                                             \
	(PCI_ERR_UNC_DLP | PCI_ERR_UNC_FCP | PCI_ERR_UNC_RX_OVER | PCI_ERR_UNC_MALF_TLP)

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
static const struct port_register {
	uint16_t offset;
	uint8_t size;
	uint32_t value;    /* at power-on */
	uint32_t writable; /* bits that keep what is written */
	uint32_t clears;   /* bits that a written 1 clears */
} port_registers[] = {
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
	{PCI_CAPABILITY_LIST, 1, POWER, 0, 0},
	{PCI_INTERRUPT_LINE, 1, 0, 0xff, 0},
	{PCI_INTERRUPT_PIN, 1, 1, 0, 0},
	{PCI_BRIDGE_CONTROL, 2, 0, CONTROL_WRITABLE, 0},

	{POWER, 2, CAPABILITY(PCI_CAP_ID_PM, EXPRESS), 0, 0},
	{POWER + PCI_PM_PMC, 2, 3 | PME_FROM, 0, 0},
	{POWER + PCI_PM_CTRL, 2, PCI_PM_CTRL_NO_SOFT_RESET,
	 PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE, PCI_PM_CTRL_PME_STATUS},

	{EXPRESS, 2, CAPABILITY(PCI_CAP_ID_EXP, MESSAGES), 0, 0},
	{EXPRESS + PCI_EXP_FLAGS, 2, EXPRESS_KIND, 0, 0},
	{EXPRESS + PCI_EXP_DEVCAP, 4, PCI_EXP_DEVCAP_RBER, 0, 0},
	{EXPRESS + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN,
	 DEVICE_CONTROL_WRITABLE, 0},
	{EXPRESS + PCI_EXP_DEVSTA, 2, 0, 0, DEVICE_STATUS_ERRORS},
	{EXPRESS + PCI_EXP_LNKCAP, 4, PCI_EXP_LNKCAP_DLLLARC, 0, 0},
	{EXPRESS + PCI_EXP_LNKCTL, 2, 0, LINK_CONTROL_WRITABLE, 0},
	{EXPRESS + PCI_EXP_RTCTL, 2, 0, ROOT_CONTROL_WRITABLE, 0},
	{EXPRESS + PCI_EXP_RTSTA, 4, 0, 0, PCI_EXP_RTSTA_PME},
	{EXPRESS + PCI_EXP_DEVCAP2, 4, PCI_EXP_DEVCAP2_COMP_TMOUT_DIS, 0, 0},
	{EXPRESS + PCI_EXP_DEVCTL2, 2, 0, PCI_EXP_DEVCTL2_COMP_TMOUT_DIS, 0},
	{EXPRESS + PCI_EXP_LNKCTL2, 2, 0, PCI_EXP_LNKCTL2_TLS, 0},

	{MESSAGES, 2, CAPABILITY(PCI_CAP_ID_MSI, 0), 0, 0},
	{MESSAGES + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_64BIT, 0, 0},

	{ERRORS, 4, EXTENDED_CAPABILITY(PCI_EXT_CAP_ID_ERR, 2, ACCESS), 0, 0},
	{ERRORS + PCI_ERR_UNCOR_STATUS, 4, 0, 0, UNCORRECTABLE},
	{ERRORS + PCI_ERR_UNCOR_MASK, 4, 0, UNCORRECTABLE, 0},
	{ERRORS + PCI_ERR_UNCOR_SEVER, 4, FATAL_AT_FIRST, UNCORRECTABLE, 0},
	{ERRORS + PCI_ERR_COR_STATUS, 4, 0, 0, CORRECTABLE},
	{ERRORS + PCI_ERR_COR_MASK, 4, PCI_ERR_COR_ADV_NFAT, CORRECTABLE, 0},
	{ERRORS + PCI_ERR_ROOT_COMMAND, 4, 0, ROOT_ERRORS_ENABLED, 0},
	{ERRORS + PCI_ERR_ROOT_STATUS, 4, 0, 0, ROOT_ERRORS},

	{ACCESS, 4, EXTENDED_CAPABILITY(PCI_EXT_CAP_ID_ACS, 1, 0), 0, 0},
	{ACCESS + PCI_ACS_CAP, 2, ACCESS_CONTROLS, 0, 0},
	{ACCESS + PCI_ACS_CTRL, 2, 0, ACCESS_CONTROLS, 0},
};

static struct pci_port *port_of(struct pci_device *device)
{
	return container_of(device, struct pci_port, device);
}

const struct pci_device *pci_port_device(const struct pci_port *port)
{
	return &port->device;
}

static bool port_is_awake(const struct pci_port *port)
{
	return (port->device.config[POWER + PCI_PM_CTRL] & PCI_PM_CTRL_STATE_MASK) == 0;
}

/* Neither held in reset (Bridge 1.2 3.2.5.18) nor disabled (PCIe 5.0 7.5.3.7). */
static bool port_link_is_up(const struct pci_port *port)
{
	const uint8_t *config = port->device.config;

	return !(config[PCI_BRIDGE_CONTROL] & PCI_BRIDGE_CTL_BUS_RESET) &&
	       !(config[EXPRESS + PCI_EXP_LNKCTL] & PCI_EXP_LNKCTL_LD);
}

/* PM 1.2 5.6.1: a port that is not in D0 passes nothing on. */
bool pci_port_passes_config(const struct pci_port *port, uint8_t number)
{
	const uint8_t *config = port->device.config;

	return number >= config[PCI_SECONDARY_BUS] && number <= config[PCI_SUBORDINATE_BUS] &&
	       port_is_awake(port) && port_link_is_up(port);
}

bool pci_port_passes_up(const struct pci_port *port)
{
	return port->device.config[PCI_COMMAND] & PCI_COMMAND_MASTER && port_is_awake(port) &&
	       port_link_is_up(port);
}

const char *pci_port_why_shut(const struct pci_port *port, enum pci_bar_kind kind)
{
	uint16_t command = kind == PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

	if (!(load_le16(port->device.config + PCI_COMMAND) & command))
		return kind == PCI_BAR_IO ? "I/O is off in COMMAND of the port above"
					  : "memory is off in COMMAND of the port above";
	if (!port_is_awake(port))
		return "the port above is not in D0";
	return port_link_is_up(port) ? NULL : "the link is down at the port above";
}

/* Bridge 1.2 3.2.5.18: of each KiB the upper 768 ports are left to ISA then. */
static bool port_is_isa(const struct pci_port *port, uint64_t address, uint64_t size)
{
	return port->device.config[PCI_BRIDGE_CONTROL] & PCI_BRIDGE_CTL_ISA &&
	       (address % KIB + size > 256);
}

/* Either memory window serves a BAR of either kind; one that is not whole inside is not reached. */
const char *pci_port_why_outside(const struct pci_port *port, enum pci_bar_kind kind,
				 uint64_t address, uint64_t size)
{
	const uint8_t *config = port->device.config;

	if (kind == PCI_BAR_IO && pci_window_holds(config, PCI_WINDOW_IO, address, size))
		return port_is_isa(port, address, size) ? "the port above leaves it to ISA" : NULL;
	if (kind != PCI_BAR_IO && (pci_window_holds(config, PCI_WINDOW_MEMORY, address, size) ||
				   pci_window_holds(config, PCI_WINDOW_PREFETCH, address, size)))
		return NULL;
	return "it is outside the windows of the port above";
}

bool pci_port_is_touched(unsigned int offset, unsigned int size)
{
	return ranges_overlap(offset, size, PCI_COMMAND, 2) ||
	       ranges_overlap(offset, size, PCI_PRIMARY_BUS,
			      PCI_CAPABILITY_LIST - PCI_PRIMARY_BUS) ||
	       ranges_overlap(offset, size, PCI_BRIDGE_CONTROL, 2) ||
	       ranges_overlap(offset, size, POWER + PCI_PM_CTRL, 2) ||
	       ranges_overlap(offset, size, EXPRESS + PCI_EXP_LNKCTL, 2);
}

bool pci_port_range(const struct pci_port *port, enum pci_window window, uint64_t *base,
		    uint64_t *last)
{
	return pci_window_get(port->device.config, window, base, last);
}

void pci_port_open(struct pci_port *port, enum pci_window window, uint64_t base, uint64_t size)
{
	pci_window_set(port->device.config, window, base, base + (size - 1));
	pci_window_set(port->device.reset_config, window, base, base + (size - 1));
}

static bool port_is_occupied(const struct pci_port *port)
{
	for (unsigned int i = 0; i < PCI_FUNCTIONS; i++)
		if (port->bus.devices[i])
			return true;
	return false;
}

/* What the link and the slot are like at this moment (PCIe 5.0 7.5.3.8, 7.5.3.11). */
static void port_show_link(struct pci_port *port)
{
	uint8_t *express = port->device.config + EXPRESS;
	bool occupied = port_is_occupied(port);
	unsigned int link = PCI_EXP_LNKSTA_SLC;

	if (occupied && port_link_is_up(port))
		link |= PCI_EXP_LNKSTA_DLLLA | port->link.speed |
			port->link.width << PCI_EXP_LNKSTA_NLW_SHIFT;
	store_le16(express + PCI_EXP_LNKSTA, (uint16_t)link);
	store_le16(express + PCI_EXP_SLTSTA, occupied ? PCI_EXP_SLTSTA_PDS : 0);
}

static uint32_t port_read(struct pci_device *device, unsigned int offset, unsigned int size)
{
	port_show_link(port_of(device));
	return (uint32_t)load_le(device->config + offset, size);
}

/* The functions below are reset, all at once; the write that asks for it waits for the last. */
static enum mem_result port_reset_link(struct pci_port *port)
{
	if (!port->resetting)
		port->reset_awaited = 0xff;
	port->resetting = true;
	for (unsigned int i = 0; i < PCI_FUNCTIONS; i++) {
		struct pci_device *device = port->bus.devices[i];
		enum mem_result result = MEM_DONE;

		if (!(port->reset_awaited & 1U << i))
			continue;
		if (device && device->ops->link_reset) {
			pthread_mutex_lock(&device->lock);
			result = device->ops->link_reset(device);
			pthread_mutex_unlock(&device->lock);
		}
		if (result != MEM_NOT_YET)
			port->reset_awaited &= (uint8_t) ~(1U << i);
	}
	port->resetting = port->reset_awaited;
	return port->resetting ? MEM_NOT_YET : MEM_DONE;
}

static enum mem_result port_check(struct pci_device *device, unsigned int offset, unsigned int size,
				  uint32_t value)
{
	struct pci_port *port = port_of(device);
	bool goes_down =
		pci_write_sets(offset, size, value, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_BUS_RESET) ||
		pci_write_sets(offset, size, value, EXPRESS + PCI_EXP_LNKCTL, PCI_EXP_LNKCTL_LD);

	return goes_down && port_link_is_up(port) ? port_reset_link(port) : MEM_DONE;
}

/* PM 1.2 3.2.4: a state that there is not is not entered. Here these are D1 and D2. */
static void port_enter_power(struct pci_port *port)
{
	uint8_t *control = &port->device.config[POWER + PCI_PM_CTRL];
	uint8_t state = *control & PCI_PM_CTRL_STATE_MASK;

	if (state == 0 || state == PCI_PM_CTRL_STATE_MASK)
		port->power = state;
	*control = (uint8_t)((*control & ~PCI_PM_CTRL_STATE_MASK) | port->power);
}

static void port_tell_below(const struct pci_port *port)
{
	for (unsigned int i = 0; i < PCI_DEVFNS; i++) {
		struct pci_device *device = port->bus.devices[i];

		if (!device || !device->ops->path_changed)
			continue;
		pthread_mutex_lock(&device->lock);
		device->ops->path_changed(device);
		pthread_mutex_unlock(&device->lock);
	}
}

static void port_written(struct pci_device *device, unsigned int offset, unsigned int size,
			 uint32_t value)
{
	struct pci_port *port = port_of(device);

	(void)value;
	port_enter_power(port);
	port->bus.number = device->config[PCI_SECONDARY_BUS];
	if (pci_port_is_touched(offset, size))
		port_tell_below(port);
	if (ranges_overlap(offset, size, MESSAGES, pci_msi_size(&port->msi)))
		pci_msi_config_written(&port->msi);
}

static void port_path_changed(struct pci_device *device)
{
	port_tell_below(port_of(device));
}

void pci_port_restored(struct pci_port *port)
{
	port->power = 0;
	port->resetting = false;
	port->bus.number = port->device.config[PCI_SECONDARY_BUS];
}

static void port_reset(struct pci_device *device)
{
	pci_host_lock(device);
	pci_msi_reset(&port_of(device)->msi);
	pci_host_unlock(device);
}

static void port_free(struct pci_port *port)
{
	pci_vectors_destroy(port->vectors);
	pci_device_release(&port->device);
	free(port);
}

static void port_destroy(struct pci_device *device)
{
	port_reset(device);
	port_free(port_of(device));
}

static const struct pci_device_ops port_ops = {
	.check = port_check,
	.config_read = port_read,
	.config_written = port_written,
	.reset = port_reset,
	.path_changed = port_path_changed,
	.destroy = port_destroy,
};

/* Its messages come of nothing but the monitor: there is no device to tell of their eventfds. */
static int port_set_mode(void *owner, enum pci_vectors_mode mode, unsigned int count)
{
	(void)owner;
	(void)mode;
	return (int)count;
}

static int port_connect(void *owner, unsigned int first, unsigned int end)
{
	(void)owner;
	(void)first;
	(void)end;
	return 0;
}

static void port_pass(void *owner)
{
	(void)owner;
}

static const struct pci_wires_ops port_wires = {
	.set_mode = port_set_mode,
	.connect = port_connect,
	.pass = port_pass,
};

static void port_set_registers(struct pci_port *port)
{
	struct pci_device *device = &port->device;
	const struct pci_link *link = &port->link;
	uint8_t *express = device->config + EXPRESS;

	for (size_t i = 0; i < ARRAY_SIZE(port_registers); i++) {
		const struct port_register *at = &port_registers[i];

		store_le(device->config + at->offset, at->size, at->value);
		store_le(device->write_mask + at->offset, at->size, at->writable);
		store_le(device->write_1_clear + at->offset, at->size, at->clears);
	}
	device->pm_capability = POWER;
	express[PCI_EXP_DEVCAP] |= (uint8_t)link->payload_max;
	express[PCI_EXP_DEVCTL] |= (uint8_t)(link->payload << 5);
	store_le32(express + PCI_EXP_LNKCAP,
		   load_le32(express + PCI_EXP_LNKCAP) | link->speed_max | link->width_max << 4);
	store_le32(express + PCI_EXP_LNKCAP2, link->speeds << 1);
	express[PCI_EXP_LNKCTL2] = (uint8_t)link->speed_max;
}

/* As a link of one lane that knows the first speed alone, where nothing better is known. */
static struct pci_link port_fill_link(const struct pci_link *from)
{
	struct pci_link link = *from;

	link.speed_max = link.speed_max ? link.speed_max : 1;
	link.width_max = link.width_max ? link.width_max : 1;
	link.speeds = link.speeds ? link.speeds : (1U << link.speed_max) - 1;
	link.speed = link.speed ? link.speed : link.speed_max;
	link.width = link.width ? link.width : link.width_max;
	return link;
}

static struct pci_port *port_alloc(const struct pci_port_config *config, struct err *err)
{
	struct pci_port *port = calloc(1, sizeof(*port));

	if (!port) {
		err_set(err, -ENOMEM, "PCI port: %s: %s", config->name, err_text(-ENOMEM));
		return NULL;
	}
	port->link = port_fill_link(&config->link);
	pci_device_init(&port->device, &port_ops, PCIE_CONFIG_SIZE, config->name);
	port_set_registers(port);
	port->vectors = pci_vectors_create(port->device.name, config->irq, &port_wires, port);
	if (!port->vectors)
		err_set(err, -ENOMEM, "PCI port: %s: %s", config->name, err_text(-ENOMEM));
	else if (!pci_msi_init(&port->msi, &port->device, MESSAGES, port->vectors, err))
		return port;
	port_free(port);
	return NULL;
}

static int port_take_bus(struct pci_host *host, struct pci_port *port, struct err *err)
{
	unsigned int number = host->ports + 1;
	uint8_t *config = port->device.config;

	if (number >= host->config.buses)
		return err_set(err, -ENOSPC,
			       "PCI port: %s: all %u buses are taken: pass fewer devices behind "
			       "ports",
			       port->device.name, host->config.buses);
	config[PCI_SECONDARY_BUS] = config[PCI_SUBORDINATE_BUS] = (uint8_t)number;
	config[EXPRESS + PCI_EXP_LNKCAP + 3] = (uint8_t)number;
	store_le32(config + EXPRESS + PCI_EXP_SLTCAP, number << 19);
	port->bus.host = host;
	port->bus.port = port;
	port->bus.number = (uint8_t)number;
	port->device.below = &port->bus;
	return 0;
}

struct pci_port *pci_port_create(struct pci_host *host, const struct pci_port_config *config,
				 struct err *err)
{
	struct pci_port *port = port_alloc(config, err);

	if (!port)
		return NULL;
	if (port_take_bus(host, port, err) || pci_host_add(host, &port->device, -1, 0, err)) {
		port_free(port);
		return NULL;
	}
	host->ports++;
	return port;
}

int pci_port_add(struct pci_port *port, struct pci_device *device, unsigned int function,
		 struct err *err)
{
	struct pci_host *host = port->bus.host;
	int rc;

	if (function >= PCI_FUNCTIONS)
		return err_set(err, -EINVAL,
			       "PCI function could not be added: %s: function %u is no place for "
			       "it: they are 0 to 7",
			       device->name, function);
	pthread_mutex_lock(&host->lock);
	rc = pci_bus_add(&port->bus, device, 0, function, err);
	pthread_mutex_unlock(&host->lock);
	return rc;
}
