/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors that arrive at a root port, or are its own: what it lets through, notes and tells of. */

#include "devices/pci/port_private.h"
#include "vmm/base/bits.h"

enum {
	REPORTED_AT = PORT_EXPRESS + PCI_EXP_DEVCTL,
	DETECTED_AT = PORT_EXPRESS + PCI_EXP_DEVSTA,
	ENABLED_AT = PORT_ERRORS + PCI_ERR_ROOT_COMMAND,
	RECEIVED_AT = PORT_ERRORS + PCI_ERR_ROOT_STATUS,
	SOURCES_AT = PORT_ERRORS + PCI_ERR_ROOT_ERR_SRC,
	WANTS_SHIFT = 16,
};

/* What of the registers belongs to a kind of error (PCIe 5.0 7.5.3.4, 7.8.4.9, 7.8.4.10). */
static const struct errors_kind {
	uint16_t reported; /* Device Control */
	uint8_t enabled;   /* Root Error Command */
	uint8_t received;  /* Root Error Status */
	uint8_t any;     /* of it, what is set by the other uncorrectable kind too, or by itself */
	uint8_t several; /* a further one */
	uint8_t source;  /* in Error Source Identification */
} errors_kinds[] = {
	[PCI_ERROR_CORRECTABLE] = {PCI_EXP_DEVCTL_CERE, PCI_ERR_ROOT_CMD_COR_EN,
				   PCI_ERR_ROOT_COR_RCV, PCI_ERR_ROOT_COR_RCV,
				   PCI_ERR_ROOT_MULTI_COR_RCV, 0},
	[PCI_ERROR_NONFATAL] = {PCI_EXP_DEVCTL_NFERE, PCI_ERR_ROOT_CMD_NONFATAL_EN,
				PCI_ERR_ROOT_NONFATAL_RCV, PCI_ERR_ROOT_UNCOR_RCV,
				PCI_ERR_ROOT_MULTI_UNCOR_RCV, 2},
	[PCI_ERROR_FATAL] = {PCI_EXP_DEVCTL_FERE, PCI_ERR_ROOT_CMD_FATAL_EN, PCI_ERR_ROOT_FATAL_RCV,
			     PCI_ERR_ROOT_UNCOR_RCV, PCI_ERR_ROOT_MULTI_UNCOR_RCV, 2},
};

struct pci_port *pci_device_port(const struct pci_device *device)
{
	return device->bus->port;
}

bool pci_port_is_linked(const struct pci_port *port)
{
	return pci_port_link_is_up(port);
}

bool pci_port_has_power(const struct pci_port *port)
{
	struct pci_slot_state slot = pci_slot_state(port);

	return slot.present && slot.powered;
}

/* PCIe 5.0 6.2.6: COMMAND's bit and Device Control's each do for an uncorrectable one. */
static bool errors_is_reported(const struct pci_port *port, enum pci_error error)
{
	const uint8_t *config = port->device.config;

	if (load_le16(config + REPORTED_AT) & errors_kinds[error].reported)
		return true;
	return error != PCI_ERROR_CORRECTABLE && load_le16(config + PCI_COMMAND) & PCI_COMMAND_SERR;
}

/* What comes from below passes the bridge first (7.5.1.3.13); a correctable one needs no more. */
static bool errors_pass(const struct pci_port *port, bool below, enum pci_error error)
{
	const uint8_t *config = port->device.config;

	if (!below)
		return errors_is_reported(port, error) &&
		       !(load_le32(config + PORT_ERRORS + PCI_ERR_UNCOR_MASK) & PCI_ERR_UNC_INTN);
	return config[PCI_BRIDGE_CONTROL] & PCI_BRIDGE_CTL_SERR && pci_port_link_is_up(port) &&
	       (error == PCI_ERROR_CORRECTABLE || errors_is_reported(port, error));
}

bool pci_port_hears(const struct pci_port *port, const struct pci_device *from,
		    enum pci_error error)
{
	return errors_pass(port, from, error) &&
	       port->device.config[ENABLED_AT] & errors_kinds[error].enabled;
}

/* The only error of a port's own, always fatal: of what the host has above the device. */
static void errors_note_own(struct pci_port *port)
{
	uint8_t *errors = port->device.config + PORT_ERRORS;

	errors[PCI_ERR_CAP] = (uint8_t)__builtin_ctz(PCI_ERR_UNC_INTN);
	store_le32(errors + PCI_ERR_UNCOR_STATUS, PCI_ERR_UNC_INTN);
	port->device.config[DETECTED_AT] |= PCI_EXP_DEVSTA_FED;
}

static void errors_set(struct pci_port *port, unsigned int at, uint16_t bits)
{
	uint8_t *place = port->device.config + at;

	store_le16(place, load_le16(place) | bits);
}

/* PCIe 5.0 7.8.4.10 and 7.8.4.11: the first of its kind tells from where it came. */
static void errors_receive(struct pci_port *port, uint16_t source, enum pci_error error)
{
	const struct errors_kind *kind = &errors_kinds[error];
	uint8_t *config = port->device.config;
	uint8_t status = config[RECEIVED_AT];

	if (status & kind->any)
		config[RECEIVED_AT] |= kind->several;
	else
		store_le16(config + SOURCES_AT + kind->source, source);
	if (error == PCI_ERROR_FATAL && !(status & kind->any))
		config[RECEIVED_AT] |= PCI_ERR_ROOT_FIRST_FATAL;
	config[RECEIVED_AT] |= kind->any | kind->received;
	pci_port_interrupt(port);
}

/* Whether the port has let it through. */
static bool errors_take(struct pci_port *port, const struct pci_device *from, enum pci_error error)
{
	bool correctable = error == PCI_ERROR_CORRECTABLE;

	if (!from)
		errors_note_own(port);
	else if (!correctable)
		errors_set(port, PCI_SEC_STATUS, PCI_STATUS_SIG_SYSTEM_ERROR);
	if (!errors_pass(port, from, error))
		return false;
	if (!correctable && load_le16(port->device.config + PCI_COMMAND) & PCI_COMMAND_SERR)
		errors_set(port, PCI_STATUS, PCI_STATUS_SIG_SYSTEM_ERROR);
	errors_receive(port, pci_device_requester(from ? from : &port->device), error);
	return true;
}

void pci_port_report(struct pci_port *port, const struct pci_device *from, enum pci_error error)
{
	pci_host_lock(&port->device);
	/* Every function behind the port tells of it; the guest is to reset the link once. */
	if ((error != PCI_ERROR_FATAL || !port->failed) && errors_take(port, from, error))
		port->failed |= error == PCI_ERROR_FATAL;
	pci_host_unlock(&port->device);
}

uint32_t pci_errors_wants(const struct pci_port *port)
{
	const uint8_t *config = port->device.config;
	uint32_t wanted = 0;

	for (size_t i = 0; i < ARRAY_SIZE(errors_kinds); i++)
		if (config[ENABLED_AT] & errors_kinds[i].enabled)
			wanted |= errors_kinds[i].received | errors_kinds[i].several;
	return (config[RECEIVED_AT] & wanted) << WANTS_SHIFT;
}

bool pci_errors_touched(unsigned int offset, unsigned int size)
{
	return ranges_overlap(offset, size, ENABLED_AT, 4);
}
