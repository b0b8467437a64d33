/* SPDX-License-Identifier: BSD-3-Clause */
/* Config space of a passed-through function: which registers are ours and which the device's. */

#include <errno.h>
#include <linux/pci_regs.h>

#include "vfio/pci/igd.h"
#include "vfio/pci/pci.h"
#include "vfio/pci/rules.h"
#include "vmm/base/bits.h"
#include "vmm/base/page.h"

enum { HEADER_TYPE_MASK = 0x7f };

static struct vfio_pci *config_to_pci(struct pci_device *device)
{
	return container_of(device, struct vfio_pci, device);
}

static enum pci_bar_kind config_bar_kind(uint32_t value, unsigned int index)
{
	if (index == PCI_ROM_BAR)
		return PCI_BAR_ROM;
	if (value & PCI_BASE_ADDRESS_SPACE_IO)
		return PCI_BAR_IO;
	return (value & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64
		       ? PCI_BAR_MEM64
		       : PCI_BAR_MEM32;
}

static uint64_t config_bar_size(enum pci_bar_kind kind, uint64_t size)
{
	uint64_t least = kind == PCI_BAR_IO ? 4 : kind == PCI_BAR_ROM ? host_page_size() : 16;

	return round_up_power_of_2(size < least ? least : size);
}

static uint64_t config_region_size(const struct vfio_pci *pci, unsigned int index)
{
	if (index == PCI_ROM_BAR && pci->options.no_rom)
		return 0;
	if (index == PCI_ROM_BAR && pci->rom)
		return pci->rom->size;
	return pci->regions[index].present ? pci->regions[index].info.size : 0;
}

/* Type bits come from the device's register, sizes from its regions: nothing is probed. */
static int config_declare_bars(struct vfio_pci *pci, struct err *err)
{
	uint32_t values[PCI_BAR_COUNT];

	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		uint8_t *at = pci->device.config +
			      (i == PCI_ROM_BAR ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * i);

		values[i] = load_le32(at);
		store_le32(at, 0);
	}
	for (unsigned int i = 0; i < PCI_BAR_COUNT; i++) {
		uint64_t size = config_region_size(pci, i);
		struct pci_bar bar = {0};
		int rc;

		if (size == 0)
			continue;
		bar.kind = config_bar_kind(values[i], i);
		bar.size = config_bar_size(bar.kind, size);
		bar.prefetchable = (bar.kind == PCI_BAR_MEM32 || bar.kind == PCI_BAR_MEM64) &&
				   (values[i] & PCI_BASE_ADDRESS_MEM_PREFETCH);
		rc = pci_device_set_bar(&pci->device, i, bar);
		if (rc)
			return err_set(err, rc,
				       "passthrough device %s: BAR %u: its kind (0x%x) and size "
				       "0x%llx do not go together",
				       pci->device.name, i, values[i] & 0xfU,
				       (unsigned long long)size);
	}
	return 0;
}

int vfio_config_setup(struct vfio_pci *pci, struct err *err)
{
	uint8_t *config = pci->device.config;
	int rc;

	if ((config[PCI_HEADER_TYPE] & HEADER_TYPE_MASK) != PCI_HEADER_TYPE_NORMAL)
		return err_set(err, -ENOTSUP,
			       "passthrough device %s: it is a bridge: pass the devices behind it",
			       pci->device.name);
	vfio_rules_apply_header(pci);
	if (!pci->wires.has_intx)
		config[PCI_INTERRUPT_PIN] = 0;
	rc = config_declare_bars(pci, err);
	if (rc)
		return rc;
	vfio_rules_apply_capabilities(pci);
	vfio_igd_setup(pci);
	return 0;
}

/*
 * A device that loses its registers on the way from D3hot to D0 (PM 1.2 3.2.4, No_Soft_Reset clear)
 * is then as after a reset, for the guest too; the kernel gives it its host registers back.
 */
static bool config_wakes_up_reset(const struct vfio_pci *pci, unsigned int offset,
				  unsigned int size, uint32_t value)
{
	unsigned int at = pci->device.pm_capability + PCI_PM_CTRL;
	const uint8_t *config = pci->device.config;

	return pci->device.pm_capability && ranges_overlap(offset, size, at, 1) &&
	       (config[at] & PCI_PM_CTRL_STATE_MASK) == PCI_PM_CTRL_STATE_MASK &&
	       !(config[at] & PCI_PM_CTRL_NO_SOFT_RESET) &&
	       (value >> 8 * (at - offset) & PCI_PM_CTRL_STATE_MASK) == 0;
}

/*
 * Awake first: the kernel takes the vectors out of the device's own table. It also gives the device
 * its registers of before back, where the guest's are those of a reset.
 */
static void config_wake_up_reset(struct vfio_pci *pci)
{
	vfio_aer_lose_registers(pci);
	vfio_pci_wake(pci);
	vfio_pci_quiet(pci);
	vfio_wires_stop(&pci->wires);
	vfio_pci_forget_vectors(pci);
	vfio_pci_arm(pci);
}

/* A device that could reach memory which is not mapped yet would fault in the IOMMU. */
static bool config_masters_too_early(const struct vfio_pci *pci, unsigned int offset,
				     unsigned int size, uint32_t value)
{
	return ranges_overlap(offset, size, PCI_COMMAND, 1) &&
	       (value >> 8 * (PCI_COMMAND - offset) & PCI_COMMAND_MASTER) &&
	       !vfio_dma_mapped(pci->dma);
}

/*
 * Whether the guest's write to [@offset, @offset + @size) asks for a function reset that VFIO can
 * carry out.
 */
static bool config_asks_for_reset(const struct vfio_pci *pci, unsigned int offset,
				  unsigned int size, uint32_t value)
{
	const uint8_t *config = pci->device.config;

	if (!pci->reset.by_function)
		return false;
	if (pci->express &&
	    load_le32(config + pci->express + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR &&
	    pci_write_sets(offset, size, value, pci->express + PCI_EXP_DEVCTL + 1,
			   PCI_EXP_DEVCTL_BCR_FLR >> 8))
		return true;
	return pci->advanced && config[pci->advanced + PCI_AF_CAP] & PCI_AF_CAP_FLR &&
	       pci_write_sets(offset, size, value, pci->advanced + PCI_AF_CTRL, PCI_AF_CTRL_FLR);
}

enum mem_result vfio_config_check(struct pci_device *device, unsigned int offset, unsigned int size,
				  uint32_t value)
{
	struct vfio_pci *pci = config_to_pci(device);

	if (config_asks_for_reset(pci, offset, size, value))
		return vfio_reset_answer(pci);
	if (pci->state != VFIO_PCI_ALIVE)
		return MEM_DONE;
	if (config_masters_too_early(pci, offset, size, value))
		return MEM_NOT_YET;
	if (config_wakes_up_reset(pci, offset, size, value))
		config_wake_up_reset(pci);
	return MEM_DONE;
}

static void config_refresh_pending(struct vfio_pci *pci, unsigned int offset, unsigned int size)
{
	unsigned int end = pci->msi.capability + pci_msi_size(&pci->msi);

	if (pci->has_msi && pci->msi.maskable && ranges_overlap(offset, size, end - 4, 4))
		store_le32(pci->device.config + end - 4, pci_msi_pending(&pci->msi));
}

/* What the device itself says; all ones, with a word, when it does not. */
static uint64_t config_read_device(struct vfio_pci *pci, unsigned int offset, unsigned int size)
{
	uint64_t value;
	int rc = vfio_region_read(pci->backend, vfio_pci_config_region(pci), offset, size, &value);

	if (rc)
		log_guest(&pci->limit, LOG_DEBUG, "%s: config read at 0x%x: %s", pci->device.name,
			  offset, err_text(rc));
	return value;
}

uint32_t vfio_config_read(struct pci_device *device, unsigned int offset, unsigned int size)
{
	struct vfio_pci *pci = config_to_pci(device);
	uint64_t emulated = load_le(pci->emulated + offset, size), value = 0;

	if (pci->state != VFIO_PCI_ALIVE)
		return (uint32_t)all_ones(size);
	config_refresh_pending(pci, offset, size);
	if (emulated != all_ones(size))
		value = config_read_device(pci, offset, size);
	value = (value & ~emulated) | (load_le(device->config + offset, size) & emulated);
	if (pci->trace)
		vfio_trace_config(pci->trace, pci, false, offset, size, (uint32_t)value);
	return (uint32_t)value;
}

/*
 * A device need not know the power state that was asked for, nor have every bit of COMMAND: of
 * those that are its own to keep the shadow takes what it kept, so that the guest writes them back
 * unchanged.
 */
static void config_refresh(struct vfio_pci *pci, unsigned int offset, unsigned int size)
{
	uint64_t kept = load_le(pci->kept + offset, size), value;
	uint8_t *shadow = pci->device.config + offset;

	if (kept &&
	    vfio_region_read(pci->backend, vfio_pci_config_region(pci), offset, size, &value) == 0)
		store_le(shadow, size, (load_le(shadow, size) & ~kept) | (value & kept));
}

/* What a port above holds back stays off in the device. */
static uint64_t config_hold_back(const struct vfio_pci *pci, unsigned int offset, unsigned int size,
				 uint64_t value)
{
	if (ranges_overlap(offset, size, PCI_COMMAND, 1) && !pci_device_is_passed_up(&pci->device))
		value &= ~((uint64_t)PCI_COMMAND_MASTER << 8 * (PCI_COMMAND - offset));
	return value;
}

/*
 * Bits beside the forwarded ones in the same access are written as the device has them, but for
 * those that a 1 would clear. Of one that does not say, or is not there for the moment, they are
 * not known: all ones would be a reset, among others. False: nothing is to be written.
 */
static bool config_complete(struct vfio_pci *pci, unsigned int offset, unsigned int size,
			    uint64_t *value)
{
	uint64_t forwarded = load_le(pci->forwarded + offset, size), own;

	if (forwarded == all_ones(size))
		return true;
	own = config_read_device(pci, offset, size);
	if (own == all_ones(size))
		return false;
	own &= ~forwarded & ~load_le(pci->device.write_1_clear + offset, size);
	*value = (*value & forwarded) | own;
	return true;
}

static void config_forward(struct vfio_pci *pci, unsigned int offset, unsigned int size,
			   uint32_t value)
{
	uint64_t written = value;
	int rc;

	if (!load_le(pci->forwarded + offset, size) ||
	    !config_complete(pci, offset, size, &written))
		return;
	written = config_hold_back(pci, offset, size, written);
	rc = vfio_region_write(pci->backend, vfio_pci_config_region(pci), offset, size, written);
	if (rc)
		log_guest(&pci->limit, LOG_DEBUG, "%s: config write at 0x%x: %s", pci->device.name,
			  offset, err_text(rc));
	config_refresh(pci, offset, size);
}

/*
 * PCI 3.0 6.2.5.2: the ROM decodes with its own enable bit and COMMAND's memory bit on, whichever
 * came last; from then on it is read. What fails is tried again the next time it begins to decode.
 */
static void config_copy_rom(struct vfio_pci *pci)
{
	bool decodes = pci->own_rom.host &&
		       pci->device.config[PCI_ROM_ADDRESS] & PCI_ROM_ADDRESS_ENABLE &&
		       pci_device_decodes(&pci->device, PCI_BAR_ROM);
	int rc;

	if (pci->rom_copied || !decodes || pci->rom_tried) {
		pci->rom_tried = decodes;
		return;
	}
	pci->rom_tried = true;
	rc = vfio_rom_copy(&pci->own_rom, pci->backend, &pci->regions[VFIO_PCI_ROM_REGION_INDEX]);
	pci->rom_copied = rc == 0;
	if (rc)
		log_guest(&pci->limit, LOG_WARN,
			  "passthrough device %s: its option ROM cannot be read: %s: the next time "
			  "it is turned on it is tried again",
			  pci->device.name, err_text(rc));
}

static void config_note_use(struct vfio_pci *pci)
{
	if (!(load_le16(pci->device.config + PCI_COMMAND) &
	      (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)))
		return;
	pci->used = true;
	pci->reset.spared = false;
}

/*
 * Asleep a function does not interrupt, and the kernel, which would reach for its MSI-X table,
 * refuses vectors: what the guest asks for meanwhile is done when it is awake.
 */
static void config_update_vectors(struct vfio_pci *pci, unsigned int offset, unsigned int size)
{
	unsigned int power = pci->device.pm_capability;
	bool woken = power && ranges_overlap(offset, size, power + PCI_PM_CTRL, 1);

	if (vfio_pci_is_asleep(pci))
		return;
	if (pci->has_msi &&
	    (woken || ranges_overlap(offset, size, pci->msi.capability, pci_msi_size(&pci->msi))))
		pci_msi_config_written(&pci->msi);
	if (pci->has_msix &&
	    (woken || ranges_overlap(offset, size, pci->msix.capability, PCI_CAP_MSIX_SIZEOF)))
		pci_msix_config_written(&pci->msix);
}

/*
 * The guest masters with this function only once RAM is mapped: config_masters_too_early() has seen
 * to that, wherever the port was then.
 */
void vfio_config_path_changed(struct pci_device *device)
{
	struct vfio_pci *pci = config_to_pci(device);
	bool passed_up = pci_device_is_passed_up(device), changed = passed_up != pci->passed_up;

	pci->passed_up = passed_up;
	vfio_aer_path_changed(pci);
	if (pci->state != VFIO_PCI_ALIVE)
		return;
	if (changed)
		config_forward(pci, PCI_COMMAND, 2, load_le16(device->config + PCI_COMMAND));
	config_copy_rom(pci);
}

void vfio_config_written(struct pci_device *device, unsigned int offset, unsigned int size,
			 uint32_t value)
{
	struct vfio_pci *pci = config_to_pci(device);

	if (pci->trace)
		vfio_trace_config(pci->trace, pci, true, offset, size, value);
	if (pci->state != VFIO_PCI_ALIVE || config_asks_for_reset(pci, offset, size, value))
		return;
	config_forward(pci, offset, size, value);
	if (ranges_overlap(offset, size, PCI_COMMAND, 1))
		config_note_use(pci);
	config_copy_rom(pci);
	config_update_vectors(pci, offset, size);
	vfio_aer_written(pci, offset, size);
}
