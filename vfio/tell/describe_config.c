/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A passed-through function's config space for a person: header and capabilities as the guest reads
 * them.
 */

#include <inttypes.h>
#include <linux/pci_regs.h>

#include "vfio/tell/decode.h"
#include "vfio/tell/describe.h"
#include "vmm/base/bits.h"

/*
 * What the guest would read, without a trace of it; of a device that is not there the last known.
 */
static uint32_t read_config(const struct vfio_pci *pci, unsigned int offset, unsigned int size)
{
	uint64_t emulated = load_le(pci->emulated + offset, size), value = 0;
	uint64_t shadow = load_le(pci->device.config + offset, size);

	if (pci->state != VFIO_PCI_ALIVE || emulated == all_ones(size) ||
	    vfio_region_read(pci->backend, vfio_pci_config_region(pci), offset, size, &value))
		return (uint32_t)shadow;
	return (uint32_t)((value & ~emulated) | (shadow & emulated));
}

/* One register: its value, and its bits in words where it has any that are set. */
static void show(const struct vfio_pci *pci, const char *label, unsigned int offset,
		 unsigned int size, FILE *out)
{
	uint32_t value = read_config(pci, offset, size);
	char text[DECODE_SIZE];
	const char *words;

	vfio_decode_config(pci, offset, size, value, text);
	words = strstr(text, ": ");
	fprintf(out, "%s 0x%0*" PRIx32 "%s%s\n", label, (int)(2 * size), value, words ? "  " : "",
		words ? words + 2 : "");
}

static void show_header(const struct vfio_pci *pci, FILE *out)
{
	fprintf(out, "  ids       %04x:%04x revision 0x%02x, subsystem %04x:%04x, class 0x%06x\n",
		read_config(pci, PCI_VENDOR_ID, 2), read_config(pci, PCI_DEVICE_ID, 2),
		read_config(pci, PCI_REVISION_ID, 1), read_config(pci, PCI_SUBSYSTEM_VENDOR_ID, 2),
		read_config(pci, PCI_SUBSYSTEM_ID, 2),
		read_config(pci, PCI_CLASS_REVISION, 4) >> 8);
	show(pci, "  command  ", PCI_COMMAND, 2, out);
	show(pci, "  status   ", PCI_STATUS, 2, out);
}

static void show_msi(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	uint16_t flags = (uint16_t)read_config(pci, at + PCI_MSI_FLAGS, 2);
	bool wide = flags & PCI_MSI_FLAGS_64BIT;
	uint64_t address = read_config(pci, at + PCI_MSI_ADDRESS_LO, 4);

	if (wide)
		address |= (uint64_t)read_config(pci, at + PCI_MSI_ADDRESS_HI, 4) << 32;
	fprintf(out, "        control 0x%04x: %s, %u of %u vectors%s%s\n", flags,
		flags & PCI_MSI_FLAGS_ENABLE ? "enabled" : "off",
		1U << ((flags & PCI_MSI_FLAGS_QSIZE) >> 4),
		1U << ((flags & PCI_MSI_FLAGS_QMASK) >> 1), wide ? ", 64-bit" : "",
		flags & PCI_MSI_FLAGS_MASKBIT ? ", maskable" : "");
	fprintf(out, "        address 0x%" PRIx64 ", data 0x%04x\n", address,
		read_config(pci, at + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 2));
}

static void show_msix(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	uint16_t flags = (uint16_t)read_config(pci, at + PCI_MSIX_FLAGS, 2);
	uint32_t table = read_config(pci, at + PCI_MSIX_TABLE, 4);
	uint32_t pba = read_config(pci, at + PCI_MSIX_PBA, 4);

	fprintf(out, "        control 0x%04x: %s%s, %u vectors\n", flags,
		flags & PCI_MSIX_FLAGS_ENABLE ? "enabled" : "off",
		flags & PCI_MSIX_FLAGS_MASKALL ? ", function masked" : "",
		(flags & PCI_MSIX_FLAGS_QSIZE) + 1U);
	fprintf(out,
		"        table in BAR %" PRIu32 " + 0x%" PRIx32 ", PBA in BAR %" PRIu32
		" + 0x%" PRIx32 "\n",
		table & PCI_MSIX_TABLE_BIR, table & PCI_MSIX_TABLE_OFFSET, pba & PCI_MSIX_PBA_BIR,
		pba & PCI_MSIX_PBA_OFFSET);
}

static const char *port_type(unsigned int type)
{
	switch (type) {
	case PCI_EXP_TYPE_ENDPOINT:
		return "endpoint";
	case PCI_EXP_TYPE_LEG_END:
		return "legacy endpoint";
	case PCI_EXP_TYPE_RC_END:
		return "root complex integrated endpoint";
	default:
		return "another type";
	}
}

/* The guest's link registers are zero: what the link really does is the device's own. */
static void show_link(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	static const char *const speeds[] = {"?", "2.5", "5", "8", "16", "32", "64"};
	const struct vfio_region *region = vfio_pci_config_region(pci);
	uint64_t control, status;
	unsigned int speed;

	if (pci->state != VFIO_PCI_ALIVE || at + PCI_EXP_LNKSTA + 2 > PCI_CONFIG_SIZE ||
	    vfio_region_read(pci->backend, region, at + PCI_EXP_LNKCTL, 2, &control) ||
	    vfio_region_read(pci->backend, region, at + PCI_EXP_LNKSTA, 2, &status))
		return;
	speed = (unsigned int)(status & PCI_EXP_LNKSTA_CLS);
	if (speed == 0)
		return;
	fprintf(out,
		"        link on the host (hidden from the guest): control 0x%04x, status 0x%04x: "
		"%s GT/s, x%u\n",
		(unsigned int)control, (unsigned int)status,
		speed < ARRAY_SIZE(speeds) ? speeds[speed] : "?",
		(unsigned int)(status & PCI_EXP_LNKSTA_NLW) >> PCI_EXP_LNKSTA_NLW_SHIFT);
}

static void show_express(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	uint16_t flags = (uint16_t)read_config(pci, at + PCI_EXP_FLAGS, 2);
	uint16_t control = (uint16_t)read_config(pci, at + PCI_EXP_DEVCTL, 2);

	fprintf(out, "        version %u, %s, payload %u, read request %u bytes\n", flags & 0xfU,
		port_type(flags >> 4 & 0xfU), 128U << (control >> 5 & 7),
		128U << (control >> 12 & 7));
	show(pci, "        device control", at + PCI_EXP_DEVCTL, 2, out);
	show(pci, "        device status ", at + PCI_EXP_DEVSTA, 2, out);
	show_link(pci, at, out);
}

static void show_capability(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	const uint8_t *config = pci->device.config;
	const char *name = vfio_decode_capability(config, at);

	fprintf(out, "  0x%03x %s", at, name ? name : "capability");
	if (!name)
		fprintf(out, " 0x%02x", config[at]);
	fputc('\n', out);
	if (config[at] == PCI_CAP_ID_PM && at + PCI_PM_CTRL + 2 <= PCI_CONFIG_SIZE)
		show(pci, "        control/status", at + PCI_PM_CTRL, 2, out);
	else if (config[at] == PCI_CAP_ID_MSI && pci->has_msi && pci->msi.capability == at)
		show_msi(pci, at, out);
	else if (config[at] == PCI_CAP_ID_MSIX && pci->has_msix && pci->msix.capability == at)
		show_msix(pci, at, out);
	else if (pci->express == at)
		show_express(pci, at, out);
}

static void show_extended(const struct vfio_pci *pci, unsigned int at, FILE *out)
{
	const uint8_t *config = pci->device.config;
	const char *name = vfio_decode_capability(config, at);

	fprintf(out, "  0x%03x %s", at, name ? name : "extended capability");
	if (!name)
		fprintf(out, " 0x%04x", load_le16(config + at));
	fprintf(out, ", version %u\n", config[at + 2] & 0xfU);
	if (load_le16(config + at) != PCI_EXT_CAP_ID_ERR ||
	    !range_fits(at, PCI_ERR_COR_STATUS + 4, PCIE_CONFIG_SIZE))
		return;
	show(pci, "        uncorrectable status", at + PCI_ERR_UNCOR_STATUS, 4, out);
	show(pci, "        correctable status  ", at + PCI_ERR_COR_STATUS, 4, out);
}

/* The shadow's chains, which were made to end when it was built; bounded all the same. */
void vfio_describe_config(const struct vfio_pci *pci, FILE *out)
{
	const uint8_t *config = pci->device.config;
	unsigned int at = config[PCI_CAPABILITY_LIST] & ~3U;

	show_header(pci, out);
	if (at)
		fputs("capabilities\n", out);
	for (unsigned int i = 0; at && i < PCI_CONFIG_SIZE / 4; i++) {
		show_capability(pci, at, out);
		at = config[at + PCI_CAP_LIST_NEXT] & ~3U;
	}
	at = PCI_CONFIG_SIZE;
	if (pci->device.config_size < PCIE_CONFIG_SIZE || load_le32(config + at) == 0)
		return;
	fputs("extended capabilities\n", out);
	for (unsigned int i = 0; at >= PCI_CONFIG_SIZE && i < PCIE_CONFIG_SIZE / 8; i++) {
		show_extended(pci, at, out);
		at = PCI_EXT_CAP_NEXT(load_le32(config + at));
	}
}
