/* SPDX-License-Identifier: BSD-3-Clause */
/* Config space of a passed-through function: which registers are ours and which the device's. */

#include <errno.h>
#include <linux/pci_regs.h>

#include "vfio/pci.h"
#include "vmm/base/bits.h"

enum {
	COMMAND_WRITABLE = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			   PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE,
	HEADER_TYPE_MASK = 0x7f,
};

/* Registers of a type 0 header; what is not listed is the device's, reads and writes. */
struct config_rule {
	uint16_t offset;
	uint16_t size;
	bool emulated;     /* read from the shadow */
	bool forwarded;    /* written to the device */
	uint32_t writable; /* bits that the shadow takes */
};

static const struct config_rule header_rules[] = {
	{PCI_VENDOR_ID, 4, true, false, 0},
	{PCI_COMMAND, 2, true, true, COMMAND_WRITABLE},
	{PCI_STATUS, 2, false, true, 0},
	{PCI_REVISION_ID, 4, true, false, 0},
	{PCI_CACHE_LINE_SIZE, 2, false, true, 0},
	{PCI_HEADER_TYPE, 2, true, false, 0},
	{PCI_BASE_ADDRESS_0, 4 * PCI_BARS, true, false, 0},
	{PCI_CARDBUS_CIS, 8, true, false, 0},
	{PCI_ROM_ADDRESS, 4, true, false, 0},
	{PCI_CAPABILITY_LIST, 8, true, false, 0},
	{PCI_INTERRUPT_LINE, 1, true, false, 0xff},
	{PCI_INTERRUPT_PIN, 3, true, false, 0},
};

static struct vfio_pci *to_pci(struct pci_device *device)
{
	return container_of(device, struct vfio_pci, device);
}

void vfio_config_emulate(struct vfio_pci *pci, unsigned int offset, unsigned int size)
{
	for (unsigned int i = offset; i < offset + size && i < pci->device.config_size; i++) {
		pci->emulated[i] = true;
		pci->forwarded[i] = false;
	}
}

static void apply_header_rules(struct vfio_pci *pci)
{
	for (unsigned int i = 0; i < pci->device.config_size; i++)
		pci->forwarded[i] = true;
	for (size_t i = 0; i < ARRAY_SIZE(header_rules); i++) {
		const struct config_rule *rule = &header_rules[i];

		for (unsigned int j = 0; j < rule->size; j++) {
			pci->emulated[rule->offset + j] = rule->emulated;
			pci->forwarded[rule->offset + j] = rule->forwarded;
		}
		if (rule->writable)
			store_le(pci->device.write_mask + rule->offset, rule->size, rule->writable);
	}
}

static enum pci_bar_kind bar_kind(uint32_t value, unsigned int index)
{
	if (index == PCI_ROM_BAR)
		return PCI_BAR_ROM;
	if (value & PCI_BASE_ADDRESS_SPACE_IO)
		return PCI_BAR_IO;
	return (value & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64
		       ? PCI_BAR_MEM64
		       : PCI_BAR_MEM32;
}

static uint64_t bar_size(enum pci_bar_kind kind, uint64_t size)
{
	uint64_t least = kind == PCI_BAR_IO ? 4 : kind == PCI_BAR_ROM ? 2 * KIB : 16;

	return round_up_power_of_2(size < least ? least : size);
}

/* Type bits come from the device's register, sizes from its regions: nothing is probed. */
static int declare_bars(struct vfio_pci *pci, struct err *err)
{
	uint32_t values[PCI_BAR_COUNT];

	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		uint8_t *at = pci->device.config +
			      (i == PCI_ROM_BAR ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * i);

		values[i] = load_le32(at);
		store_le32(at, 0);
	}
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		struct pci_bar bar = {0};
		int error;

		if (!pci->regions[i].present)
			continue;
		bar.kind = bar_kind(values[i], i);
		bar.size = bar_size(bar.kind, pci->regions[i].info.size);
		bar.prefetchable = (bar.kind == PCI_BAR_MEM32 || bar.kind == PCI_BAR_MEM64) &&
				   (values[i] & PCI_BASE_ADDRESS_MEM_PREFETCH);
		error = pci_device_set_bar(&pci->device, i, bar);
		if (error)
			return err_set(err, error,
				       "passthrough device %s: BAR %u: its kind (0x%x) and size "
				       "0x%llx do not go together",
				       pci->device.name, i, values[i] & 0xfU,
				       pci->regions[i].info.size);
	}
	return 0;
}

int vfio_config_setup(struct vfio_pci *pci, struct err *err)
{
	uint8_t *config = pci->device.config;
	int error;

	if ((config[PCI_HEADER_TYPE] & HEADER_TYPE_MASK) != PCI_HEADER_TYPE_NORMAL)
		return err_set(err, -ENOTSUP,
			       "passthrough device %s: it is a bridge: pass the devices behind it",
			       pci->device.name);
	apply_header_rules(pci);
	store_le16(config + PCI_COMMAND, 0);
	/* The PCI host sets the multi-function bit again where the guest's slot needs it. */
	config[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_NORMAL;
	config[PCI_BIST] = 0;
	config[PCI_INTERRUPT_LINE] = 0;
	if (!pci->irqs.has_intx)
		config[PCI_INTERRUPT_PIN] = 0;
	error = declare_bars(pci, err);
	if (!error)
		vfio_capabilities_setup(pci);
	return error;
}

/* A device that could reach memory which is not mapped yet would fault in the IOMMU. */
enum mem_result vfio_config_check(struct pci_device *device, unsigned int offset, unsigned int size,
				  uint32_t value)
{
	const struct vfio_pci *pci = to_pci(device);

	if (pci->state != VFIO_PCI_ALIVE || !ranges_overlap(offset, size, PCI_COMMAND, 1))
		return MEM_DONE;
	value >>= 8 * (PCI_COMMAND - offset);
	return (value & PCI_COMMAND_MASTER) && !vfio_dma_mapped(pci->dma) ? MEM_NOT_YET : MEM_DONE;
}

static bool any(const bool *flags, unsigned int offset, unsigned int size, bool wanted)
{
	for (unsigned int i = 0; i < size; i++)
		if (flags[offset + i] == wanted)
			return true;
	return false;
}

static void refresh_pending(struct vfio_pci *pci, unsigned int offset, unsigned int size)
{
	unsigned int end = pci->msi.capability + pci_msi_size(&pci->msi);

	if (pci->has_msi && pci->msi.maskable && ranges_overlap(offset, size, end - 4, 4))
		store_le32(pci->device.config + end - 4, pci_msi_pending(&pci->msi));
}

uint32_t vfio_config_read(struct pci_device *device, unsigned int offset, unsigned int size)
{
	struct vfio_pci *pci = to_pci(device);
	uint8_t bytes[4];
	uint64_t value;
	int error;

	if (pci->state != VFIO_PCI_ALIVE)
		return (uint32_t)all_ones(size);
	refresh_pending(pci, offset, size);
	if (!any(pci->emulated, offset, size, false))
		return (uint32_t)load_le(device->config + offset, size);
	error = vfio_region_read(pci->backend, &pci->regions[VFIO_PCI_CONFIG_REGION_INDEX], offset,
				 size, &value);
	if (error)
		log_guest(&pci->limit, LOG_DEBUG, "%s: config read at 0x%x: %s", device->name,
			  offset, err_text(error));
	store_le(bytes, size, value);
	for (unsigned int i = 0; i < size; i++)
		if (pci->emulated[offset + i])
			bytes[i] = device->config[offset + i];
	return (uint32_t)load_le(bytes, size);
}

/* The device may not know the state that was asked for: the shadow takes the one it is in. */
static void refresh_power(struct vfio_pci *pci, unsigned int offset, unsigned int size)
{
	unsigned int at = pci->device.pm_capability + PCI_PM_CTRL;
	uint64_t value;

	if (pci->device.pm_capability && ranges_overlap(offset, size, at, 1) &&
	    vfio_region_read(pci->backend, &pci->regions[VFIO_PCI_CONFIG_REGION_INDEX], at, 1,
			     &value) == 0)
		pci->device.config[at] = (uint8_t)value;
}

void vfio_config_written(struct pci_device *device, unsigned int offset, unsigned int size,
			 uint32_t value)
{
	struct vfio_pci *pci = to_pci(device);
	int error;

	if (pci->state != VFIO_PCI_ALIVE)
		return;
	if (any(pci->forwarded, offset, size, true)) {
		error = vfio_region_write(pci->backend, &pci->regions[VFIO_PCI_CONFIG_REGION_INDEX],
					  offset, size, value);
		if (error)
			log_guest(&pci->limit, LOG_DEBUG, "%s: config write at 0x%x: %s",
				  device->name, offset, err_text(error));
		refresh_power(pci, offset, size);
	}
	if (pci->has_msi &&
	    ranges_overlap(offset, size, pci->msi.capability, pci_msi_size(&pci->msi)))
		pci_msi_config_written(&pci->msi);
	if (pci->has_msix &&
	    ranges_overlap(offset, size, pci->msix.capability, PCI_CAP_MSIX_SIZEOF))
		pci_msix_config_written(&pci->msix);
}
