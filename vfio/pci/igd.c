/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intel's own graphics is not a whole device: the firmware gives it memory of the host's for its
 * own use (stolen memory) and tells drivers about the displays in other memory of the host's (the
 * OpRegion), both by host-physical addresses in config space. A guest that took them for its own
 * would write wherever its RAM lies there, and what they point to is not in its reach, nor in the
 * IOMMU's. They read 0 here, which drivers take for "there is none": they go on without, with what
 * the option ROM tells of the displays.
 *
 * VFIO offers a copy of the OpRegion as a region, but whoever hands it on must play firmware, with
 * memory kept out of the guest's map and calls that the host's firmware would have to answer.
 */

#include "vfio/pci/igd.h"

#include <linux/pci_regs.h>
#include <string.h>

#include "vfio/host/host.h"
#include "vfio/pci/pci.h"
#include "vmm/base/bits.h"

/* How the registers lie, by generation of the graphics. */
enum igd_layout {
	IGD_BEFORE_6, /* the stolen memory's size is the host bridge's */
	IGD_6_AND_7,
	IGD_8_TO_10,
	IGD_SINCE_11,
};

/* One register: bits that the guest reads as 0. Nothing of it is written to the device. */
struct igd_register {
	unsigned int offset, size;
	uint32_t bits;
	enum igd_layout from, to;
};

/* Volume 2 of the processors' datasheets, "Processor Graphics Registers" (device 2, function 0). */
static const struct igd_register igd_registers[] = {
	{0x50, 2, 0x00f8, IGD_6_AND_7, IGD_6_AND_7},       /* GGC: size of stolen memory */
	{0x50, 2, 0xff00, IGD_8_TO_10, IGD_SINCE_11},      /* GGC, likewise */
	{0x58, 4, UINT32_MAX, IGD_6_AND_7, IGD_SINCE_11},  /* PAVPC: protected memory */
	{0x5c, 4, UINT32_MAX, IGD_BEFORE_6, IGD_SINCE_11}, /* BDSM: base of stolen memory */
	{0x60, 4, 0, IGD_6_AND_7, IGD_SINCE_11},           /* MSAC: BAR 2's size */
	{0xc0, 4, UINT32_MAX, IGD_SINCE_11, IGD_SINCE_11}, /* BDSM, 64 bits */
	{0xc4, 4, UINT32_MAX, IGD_SINCE_11, IGD_SINCE_11},
	{0xc8, 4, UINT32_MAX, IGD_SINCE_11, IGD_SINCE_11}, /* PAVPC, 64 bits */
	{0xcc, 4, UINT32_MAX, IGD_SINCE_11, IGD_SINCE_11},
	{0xe0, 2, UINT16_MAX, IGD_BEFORE_6, IGD_SINCE_11}, /* SWSMI: calls the host's firmware */
	{0xe8, 2, UINT16_MAX, IGD_BEFORE_6, IGD_SINCE_11}, /* SWSCI, likewise */
	{0xfc, 4, UINT32_MAX, IGD_BEFORE_6, IGD_SINCE_11}, /* ASLS: address of the OpRegion */
};

/*
 * Their images in BAR 0, from generation 6 on, and the bounds of what of stolen memory is reserved.
 */
static const struct igd_register igd_mirrors[] = {
	{0x108040, 2, 0x00f8, IGD_6_AND_7, IGD_6_AND_7},
	{0x108040, 2, 0xff00, IGD_8_TO_10, IGD_SINCE_11},
	{0x1080c0, 4, UINT32_MAX, IGD_6_AND_7, IGD_SINCE_11},
	{0x1080c4, 4, UINT32_MAX, IGD_SINCE_11, IGD_SINCE_11},
	{0x1082c0, 4, UINT32_MAX, IGD_6_AND_7, IGD_SINCE_11},
	{0x1082c4, 4, UINT32_MAX, IGD_SINCE_11, IGD_SINCE_11},
};

/* By the upper half of the device id; what is not known is newer than all. */
static enum igd_layout igd_layout(uint16_t device)
{
	static const struct {
		uint8_t id;
		enum igd_layout layout;
	} families[] = {
		{0x00, IGD_BEFORE_6}, {0x25, IGD_BEFORE_6}, {0x27, IGD_BEFORE_6},
		{0x29, IGD_BEFORE_6}, {0x2a, IGD_BEFORE_6}, {0x2e, IGD_BEFORE_6},
		{0x35, IGD_BEFORE_6}, {0xa0, IGD_BEFORE_6}, {0x01, IGD_6_AND_7},
		{0x04, IGD_6_AND_7},  {0x0a, IGD_6_AND_7},  {0x0c, IGD_6_AND_7},
		{0x0d, IGD_6_AND_7},  {0x0f, IGD_6_AND_7},  {0x16, IGD_8_TO_10},
		{0x22, IGD_6_AND_7},  {0x19, IGD_8_TO_10},  {0x1a, IGD_8_TO_10},
		{0x31, IGD_8_TO_10},  {0x3e, IGD_8_TO_10},  {0x59, IGD_8_TO_10},
		{0x5a, IGD_8_TO_10},  {0x87, IGD_8_TO_10},  {0x9b, IGD_8_TO_10},
	};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i].id == device >> 8)
			return families[i].layout;
	return IGD_SINCE_11;
}

static bool igd_has(const struct igd_register *reg, enum igd_layout layout)
{
	return layout >= reg->from && layout <= reg->to;
}

static void igd_hide(struct vfio_pci *pci, const struct igd_register *reg)
{
	for (unsigned int i = 0; i < reg->size; i++) {
		uint8_t bits = (uint8_t)(reg->bits >> 8 * i);

		pci->emulated[reg->offset + i] |= bits;
		pci->device.config[reg->offset + i] &= (uint8_t)~bits;
		pci->device.write_mask[reg->offset + i] &= (uint8_t)~bits;
		pci->forwarded[reg->offset + i] = pci->kept[reg->offset + i] = 0;
	}
}

void vfio_igd_setup(struct vfio_pci *pci)
{
	const uint8_t *config = pci->device.config;
	enum igd_layout layout = igd_layout(load_le16(config + PCI_DEVICE_ID));

	if (!vfio_host_is_igd(pci->device.name, load_le16(config + PCI_VENDOR_ID),
			      load_le32(config + PCI_CLASS_REVISION) >> 8))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(igd_registers); i++)
		if (igd_has(&igd_registers[i], layout))
			igd_hide(pci, &igd_registers[i]);
	pci->igd_mirror = layout != IGD_BEFORE_6;
}

uint64_t vfio_igd_hidden(const struct vfio_pci *pci, unsigned int bar, uint64_t offset,
			 unsigned int size)
{
	enum igd_layout layout = igd_layout(load_le16(pci->device.config + PCI_DEVICE_ID));
	uint64_t hidden = 0;

	if (!pci->igd_mirror || bar != VFIO_IGD_MIRROR_BAR)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(igd_mirrors); i++) {
		const struct igd_register *reg = &igd_mirrors[i];

		for (unsigned int j = 0; igd_has(reg, layout) && j < size; j++)
			if (offset + j >= reg->offset && offset + j < reg->offset + reg->size)
				hidden |= (uint64_t)(reg->bits >> 8 * (offset + j - reg->offset) &
						     0xff)
					  << 8 * j;
	}
	return hidden;
}
