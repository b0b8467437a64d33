/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of standard registers and their bits, and how an access is told by them. */

#include "vfio/tell/decode.h"

#include <linux/pci_regs.h>
#include <stdarg.h>
#include <stdio.h>

#include "vfio/pci/pci.h"
#include "vfio/tell/names.h"
#include "vmm/base/bits.h"

struct bit_name {
	uint32_t bits;
	const char *name;
};

struct register_name {
	uint16_t offset;
	uint8_t size;
	const char *name;
	const struct bit_name *bits; /* ended by bits 0; NULL: the name is enough */
};

static const struct bit_name command_bits[] = {
	{PCI_COMMAND_IO, "I/O"},
	{PCI_COMMAND_MEMORY, "memory"},
	{PCI_COMMAND_MASTER, "master"},
	{PCI_COMMAND_PARITY, "parity"},
	{PCI_COMMAND_SERR, "SERR"},
	{PCI_COMMAND_INTX_DISABLE, "INTx-off"},
	{0, NULL},
};

static const struct bit_name status_bits[] = {
	{PCI_STATUS_INTERRUPT, "INTx-pending"},
	{PCI_STATUS_CAP_LIST, "capabilities"},
	{PCI_STATUS_PARITY, "master-parity"},
	{PCI_STATUS_SIG_TARGET_ABORT, "signalled-target-abort"},
	{PCI_STATUS_REC_TARGET_ABORT, "target-abort"},
	{PCI_STATUS_REC_MASTER_ABORT, "master-abort"},
	{PCI_STATUS_SIG_SYSTEM_ERROR, "system-error"},
	{PCI_STATUS_DETECTED_PARITY, "parity"},
	{0, NULL},
};

static const struct bit_name rom_bits[] = {{PCI_ROM_ADDRESS_ENABLE, "enable"}, {0, NULL}};

static const struct register_name header[] = {
	{PCI_VENDOR_ID, 2, "Vendor ID", NULL},
	{PCI_DEVICE_ID, 2, "Device ID", NULL},
	{PCI_COMMAND, 2, "Command", command_bits},
	{PCI_STATUS, 2, "Status", status_bits},
	{PCI_REVISION_ID, 1, "Revision ID", NULL},
	{PCI_CLASS_PROG, 3, "Class Code", NULL},
	{PCI_CACHE_LINE_SIZE, 1, "Cache Line Size", NULL},
	{PCI_LATENCY_TIMER, 1, "Latency Timer", NULL},
	{PCI_HEADER_TYPE, 1, "Header Type", NULL},
	{PCI_BIST, 1, "BIST", NULL},
	{PCI_BASE_ADDRESS_0, 4, "BAR 0", NULL},
	{PCI_BASE_ADDRESS_1, 4, "BAR 1", NULL},
	{PCI_BASE_ADDRESS_2, 4, "BAR 2", NULL},
	{PCI_BASE_ADDRESS_3, 4, "BAR 3", NULL},
	{PCI_BASE_ADDRESS_4, 4, "BAR 4", NULL},
	{PCI_BASE_ADDRESS_5, 4, "BAR 5", NULL},
	{PCI_CARDBUS_CIS, 4, "CardBus CIS Pointer", NULL},
	{PCI_SUBSYSTEM_VENDOR_ID, 2, "Subsystem Vendor ID", NULL},
	{PCI_SUBSYSTEM_ID, 2, "Subsystem ID", NULL},
	{PCI_ROM_ADDRESS, 4, "Expansion ROM", rom_bits},
	{PCI_CAPABILITY_LIST, 1, "Capabilities Pointer", NULL},
	{PCI_INTERRUPT_LINE, 1, "Interrupt Line", NULL},
	{PCI_INTERRUPT_PIN, 1, "Interrupt Pin", NULL},
	{PCI_MIN_GNT, 1, "Min_Gnt", NULL},
	{PCI_MAX_LAT, 1, "Max_Lat", NULL},
	{0, 0, NULL, NULL},
};

static const struct bit_name power_bits[] = {
	{PCI_PM_CTRL_NO_SOFT_RESET, "no-soft-reset"},
	{PCI_PM_CTRL_PME_ENABLE, "PME-enable"},
	{PCI_PM_CTRL_PME_STATUS, "PME"},
	{0, NULL},
};

static const struct register_name power[] = {
	{PCI_PM_PMC, 2, "Capabilities", NULL},
	{PCI_PM_CTRL, 2, "Control/Status", power_bits},
	{0, 0, NULL, NULL},
};

static const struct bit_name msi_bits[] = {
	{PCI_MSI_FLAGS_ENABLE, "enable"},
	{PCI_MSI_FLAGS_64BIT, "64-bit"},
	{PCI_MSI_FLAGS_MASKBIT, "maskable"},
	{0, NULL},
};

static const struct register_name msi[] = {
	{PCI_MSI_FLAGS, 2, "Message Control", msi_bits},
	{PCI_MSI_ADDRESS_LO, 4, "Message Address", NULL},
	{0, 0, NULL, NULL},
};

static const struct bit_name msix_bits[] = {
	{PCI_MSIX_FLAGS_ENABLE, "enable"},
	{PCI_MSIX_FLAGS_MASKALL, "function-mask"},
	{0, NULL},
};

static const struct register_name msix[] = {
	{PCI_MSIX_FLAGS, 2, "Message Control", msix_bits},
	{PCI_MSIX_TABLE, 4, "Table", NULL},
	{PCI_MSIX_PBA, 4, "PBA", NULL},
	{0, 0, NULL, NULL},
};

static const struct bit_name device_control_bits[] = {
	{PCI_EXP_DEVCTL_CERE, "correctable"},
	{PCI_EXP_DEVCTL_NFERE, "non-fatal"},
	{PCI_EXP_DEVCTL_FERE, "fatal"},
	{PCI_EXP_DEVCTL_URRE, "unsupported-request"},
	{PCI_EXP_DEVCTL_RELAX_EN, "relaxed"},
	{PCI_EXP_DEVCTL_EXT_TAG, "extended-tag"},
	{PCI_EXP_DEVCTL_NOSNOOP_EN, "no-snoop"},
	{PCI_EXP_DEVCTL_BCR_FLR, "function-reset"},
	{0, NULL},
};

static const struct bit_name device_status_bits[] = {
	{PCI_EXP_DEVSTA_CED, "correctable"},
	{PCI_EXP_DEVSTA_NFED, "non-fatal"},
	{PCI_EXP_DEVSTA_FED, "fatal"},
	{PCI_EXP_DEVSTA_URD, "unsupported-request"},
	{PCI_EXP_DEVSTA_TRPND, "transactions-pending"},
	{0, NULL},
};

static const struct register_name express[] = {
	{PCI_EXP_FLAGS, 2, "Capabilities", NULL},
	{PCI_EXP_DEVCAP, 4, "Device Capabilities", NULL},
	{PCI_EXP_DEVCTL, 2, "Device Control", device_control_bits},
	{PCI_EXP_DEVSTA, 2, "Device Status", device_status_bits},
	{PCI_EXP_LNKCAP, 4, "Link Capabilities", NULL},
	{PCI_EXP_LNKCTL, 2, "Link Control", NULL},
	{PCI_EXP_LNKSTA, 2, "Link Status", NULL},
	{PCI_EXP_DEVCAP2, 4, "Device Capabilities 2", NULL},
	{PCI_EXP_DEVCTL2, 2, "Device Control 2", NULL},
	{0, 0, NULL, NULL},
};

static const struct bit_name advanced_bits[] = {{PCI_AF_CTRL_FLR, "function-reset"}, {0, NULL}};

static const struct register_name advanced[] = {
	{PCI_AF_CAP, 1, "Capabilities", NULL},
	{PCI_AF_CTRL, 1, "Control", advanced_bits},
	{PCI_AF_STATUS, 1, "Status", NULL},
	{0, 0, NULL, NULL},
};

/* Offsets from the capability's start. */
struct capability_name {
	uint16_t id;
	const char *name;
	const struct register_name *registers;
};

static const struct capability_name capabilities[] = {
	{PCI_CAP_ID_PM, "Power Management", power},
	{PCI_CAP_ID_MSI, "MSI", msi},
	{PCI_CAP_ID_EXP, "Express", express},
	{PCI_CAP_ID_MSIX, "MSI-X", msix},
	{PCI_CAP_ID_AF, "Advanced Features", advanced},
	{PCI_CAP_ID_VPD, "Vital Product Data", NULL},
	{PCI_CAP_ID_VNDR, "Vendor Specific", NULL},
};

static const struct register_name error_reporting[] = {
	{PCI_ERR_UNCOR_STATUS, 4, "Uncorrectable Status", NULL},
	{PCI_ERR_UNCOR_MASK, 4, "Uncorrectable Mask", NULL},
	{PCI_ERR_UNCOR_SEVER, 4, "Uncorrectable Severity", NULL},
	{PCI_ERR_COR_STATUS, 4, "Correctable Status", NULL},
	{PCI_ERR_COR_MASK, 4, "Correctable Mask", NULL},
	{PCI_ERR_CAP, 4, "Capabilities and Control", NULL},
	{PCI_ERR_HEADER_LOG, 16, "Header Log", NULL},
	{0, 0, NULL, NULL},
};

static const struct capability_name extended[] = {
	{PCI_EXT_CAP_ID_ERR, "Advanced Error Reporting", error_reporting},
	{PCI_EXT_CAP_ID_VC, "Virtual Channel", NULL},
	{PCI_EXT_CAP_ID_DSN, "Device Serial Number", NULL},
	{PCI_EXT_CAP_ID_PWR, "Power Budgeting", NULL},
	{PCI_EXT_CAP_ID_VNDR, "Vendor Specific", NULL},
	{PCI_EXT_CAP_ID_ACS, "Access Control", NULL},
	{PCI_EXT_CAP_ID_DPA, "Dynamic Power Allocation", NULL},
	{PCI_EXT_CAP_ID_TPH, "Processing Hints", NULL},
	{PCI_EXT_CAP_ID_LTR, "Latency Tolerance", NULL},
	{PCI_EXT_CAP_ID_SECPCI, "Secondary Express", NULL},
	{PCI_EXT_CAP_ID_L1SS, "L1 Substates", NULL},
	{PCI_EXT_CAP_ID_PTM, "Precision Time", NULL},
	{PCI_EXT_CAP_ID_DVSEC, "Designated Vendor Specific", NULL},
};

static const struct bit_name nvme_config_bits[] = {{1, "enable"},
						   {1 << 14, "normal-shutdown"},
						   {1 << 15, "abrupt-shutdown"},
						   {0, NULL}};

static const struct bit_name nvme_status_bits[] = {
	{1, "ready"}, {2, "fatal"}, {1 << 2, "shutting-down"}, {1 << 3, "shut-down"}, {0, NULL}};

/* NVM Express Base 1.4, 3.1. */
static const struct register_name nvme[] = {
	{0x00, 8, "CAP", NULL},
	{0x08, 4, "VS", NULL},
	{0x0c, 4, "INTMS", NULL},
	{0x10, 4, "INTMC", NULL},
	{0x14, 4, "CC", nvme_config_bits},
	{0x1c, 4, "CSTS", nvme_status_bits},
	{0x20, 4, "NSSR", NULL},
	{0x24, 4, "AQA", NULL},
	{0x28, 8, "ASQ", NULL},
	{0x30, 8, "ACQ", NULL},
	{0x38, 4, "CMBLOC", NULL},
	{0x3c, 4, "CMBSZ", NULL},
	{0, 0, NULL, NULL},
};

enum { NVME_CLASS = 0x010802, NVME_DOORBELLS = 0x1000 };

void vfio_decode_append(char *text, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, DECODE_SIZE - used, format, arguments);
	va_end(arguments);
}

static void decode_append_bits(char *text, const struct bit_name *bits, uint64_t value)
{
	const char *separator = ": ";

	for (; bits->bits; bits++) {
		if (!(value & bits->bits))
			continue;
		vfio_decode_append(text, "%s%s", separator, bits->name);
		separator = " ";
	}
}

/* Every register that the access touches, by name, the first with @prefix before it. */
static void decode_append_registers(char *text, const char *prefix,
				    const struct register_name *registers, uint64_t offset,
				    unsigned int size, uint64_t value)
{
	for (; registers && registers->name; registers++) {
		uint64_t own;

		if (!ranges_overlap(offset, size, registers->offset, registers->size))
			continue;
		vfio_decode_append(text, "%s%s", *text ? ", " : prefix, registers->name);
		/* One without bits may be longer than a value. */
		if (!registers->bits)
			continue;
		own = registers->offset >= offset ? value >> 8 * (registers->offset - offset)
						  : value << 8 * (offset - registers->offset);
		if (registers->bits == power_bits && registers->offset >= offset)
			vfio_decode_append(text, ": D%u",
					   (unsigned int)(own & PCI_PM_CTRL_STATE_MASK));
		decode_append_bits(text, registers->bits, own);
	}
}

/* The capability in the guest's chain that lies closest before @offset; 0: none. */
static unsigned int decode_find_capability(const uint8_t *config, unsigned int offset)
{
	unsigned int at = config[PCI_CAPABILITY_LIST], found = 0;

	for (unsigned int i = 0; at && i < PCI_CONFIG_SIZE / 4; i++) {
		if (at <= offset && at > found)
			found = at;
		at = config[at + PCI_CAP_LIST_NEXT];
	}
	return found;
}

/* Likewise among the extended ones, whose chain begins at 0x100. */
static unsigned int decode_find_extended(const uint8_t *config, unsigned int offset)
{
	unsigned int at = PCI_CONFIG_SIZE, found = 0;

	for (unsigned int i = 0; at >= PCI_CONFIG_SIZE && i < PCIE_CONFIG_SIZE / 8; i++) {
		if (at <= offset && at > found)
			found = at;
		at = PCI_EXT_CAP_NEXT(load_le32(config + at));
	}
	return found;
}

/* @offset is from the start of the capability @id, which is one of @names or has none. */
static void decode_capability(const struct capability_name *names, size_t count, uint16_t id,
			      unsigned int offset, unsigned int size, uint32_t value, char *text)
{
	char prefix[48];

	for (size_t i = 0; i < count; i++) {
		if (names[i].id != id)
			continue;
		snprintf(prefix, sizeof(prefix), "%s ", names[i].name);
		decode_append_registers(text, prefix, names[i].registers, offset, size, value);
		if (!*text)
			vfio_decode_append(text, "%s+0x%x", prefix, offset);
	}
}

void vfio_decode_config(const struct vfio_pci *pci, unsigned int offset, unsigned int size,
			uint32_t value, char *text)
{
	const uint8_t *config = pci->device.config;
	unsigned int at;

	*text = '\0';
	if (offset < PCI_STD_HEADER_SIZEOF)
		decode_append_registers(text, "", header, offset, size, value);
	else if (offset < PCI_CONFIG_SIZE && (at = decode_find_capability(config, offset)))
		decode_capability(capabilities, ARRAY_SIZE(capabilities), config[at], offset - at,
				  size, value, text);
	else if (offset >= PCI_CONFIG_SIZE && (at = decode_find_extended(config, offset)))
		decode_capability(extended, ARRAY_SIZE(extended), load_le16(config + at),
				  offset - at, size, value, text);
}

const char *vfio_decode_capability(const uint8_t *config, unsigned int at)
{
	const struct capability_name *names = at < PCI_CONFIG_SIZE ? capabilities : extended;
	size_t count = at < PCI_CONFIG_SIZE ? ARRAY_SIZE(capabilities) : ARRAY_SIZE(extended);
	uint16_t id = at < PCI_CONFIG_SIZE ? config[at] : load_le16(config + at);

	for (size_t i = 0; i < count; i++)
		if (names[i].id == id)
			return names[i].name;
	return NULL;
}

static bool decode_msix(const struct pci_msix *table, unsigned int bar, uint64_t offset,
			uint64_t value, char *text)
{
	static const char *const fields[] = {"address", "upper address", "data", "control"};
	uint64_t at = offset - table->table_offset;

	if (!pci_msix_covers(table, bar, offset, 1))
		return false;
	if (bar != table->table_bar || offset < table->table_offset ||
	    at >= pci_msix_table_size(table)) {
		vfio_decode_append(text, "MSI-X pending bits");
		return true;
	}
	vfio_decode_append(text, "MSI-X vector %llu %s",
			   (unsigned long long)at / PCI_MSIX_ENTRY_SIZE,
			   fields[at % PCI_MSIX_ENTRY_SIZE / 4]);
	if (at % PCI_MSIX_ENTRY_SIZE == PCI_MSIX_ENTRY_VECTOR_CTRL)
		vfio_decode_append(text, ": %s",
				   value & PCI_MSIX_ENTRY_CTRL_MASKBIT ? "masked" : "unmasked");
	return true;
}

/* The stride of the doorbells is left at its usual 4 bytes. */
static void decode_nvme(uint64_t offset, unsigned int size, uint64_t value, char *text)
{
	if (offset < NVME_DOORBELLS)
		decode_append_registers(text, "NVMe ", nvme, offset, size, value);
	else
		vfio_decode_append(text, "NVMe doorbell, %s queue %llu",
				   (offset - NVME_DOORBELLS) / 4 % 2 ? "completion" : "submission",
				   (unsigned long long)(offset - NVME_DOORBELLS) / 8);
}

void vfio_decode_bar(const struct vfio_pci *pci, unsigned int bar, uint64_t offset,
		     unsigned int size, uint64_t value, char *text)
{
	*text = '\0';
	if (pci->has_msix && decode_msix(&pci->msix, bar, offset, value, text))
		return;
	if (pci->names)
		vfio_names_tell(pci->names, bar, offset, size, value, text);
	if (!*text && bar == 0 &&
	    load_le32(pci->device.config + PCI_CLASS_REVISION) >> 8 == NVME_CLASS)
		decode_nvme(offset, size, value, text);
}
