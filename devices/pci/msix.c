/* SPDX-License-Identifier: BSD-3-Clause */
/* MSI-X of a function: its table, pending bits and masks as the guest set them (PCI 3.0 6.8.2). */

#include <errno.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "devices/pci/msi.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"

uint64_t pci_msix_table_size(const struct pci_msix *msix)
{
	return (uint64_t)msix->vectors * PCI_MSIX_ENTRY_SIZE;
}

/* One bit a vector, in whole quadwords. */
uint64_t pci_msix_pba_size(const struct pci_msix *msix)
{
	return align_up(msix->vectors, 64) / 8;
}

static void msix_entries_reset(struct pci_msix *msix)
{
	for (unsigned int i = 0; i < msix->vectors; i++)
		msix->entries[i] = (struct pci_msix_entry){.control = PCI_MSIX_ENTRY_CTRL_MASKBIT};
}

static int msix_check_place(const struct pci_msix *msix, const char *what, unsigned int bar,
			    uint64_t offset, uint64_t size, struct err *err)
{
	const struct pci_device *device = msix->device;

	if (bar >= PCI_BARS ||
	    (device->bars[bar].kind != PCI_BAR_MEM32 && device->bars[bar].kind != PCI_BAR_MEM64))
		return err_set(err, -EINVAL, "MSI-X: %s: the %s is in BAR %u, which is no memory",
			       device->name, what, bar);
	if (!range_fits(offset, size, device->bars[bar].size))
		return err_set(err, -EINVAL,
			       "MSI-X: %s: the %s of 0x%" PRIx64 " bytes at 0x%" PRIx64
			       " leaves BAR %u of 0x%" PRIx64 " bytes",
			       device->name, what, size, offset, bar, device->bars[bar].size);
	return 0;
}

/*
 * Functions are known whose table is where it should be, and whose PBA is not: what is pending is
 * known without it, so that nobody gets to read it is all.
 */
static void msix_check_pba(struct pci_msix *msix)
{
	struct err err = {0};

	if (!msix_check_place(msix, "PBA", msix->pba_bar, msix->pba_offset, pci_msix_pba_size(msix),
			      &err))
		return;
	log_warn("%s: it has none", err.text);
	msix->pba_bar = PCI_MSIX_NO_PBA;
}

static int msix_check_layout(struct pci_msix *msix, struct err *err)
{
	int rc = msix_check_place(msix, "table", msix->table_bar, msix->table_offset,
				  pci_msix_table_size(msix), err);

	if (rc)
		return rc;
	msix_check_pba(msix);
	if (msix->table_bar == msix->pba_bar &&
	    ranges_overlap(msix->table_offset, pci_msix_table_size(msix), msix->pba_offset,
			   pci_msix_pba_size(msix)))
		return err_set(err, -EINVAL, "MSI-X: %s: table and PBA overlap in BAR %u",
			       msix->device->name, msix->table_bar);
	return 0;
}

int pci_msix_init(struct pci_msix *msix, struct pci_device *device, unsigned int capability,
		  struct pci_vectors *vectors, struct err *err)
{
	uint8_t *config = device->config + capability;
	uint32_t table, pba;
	int rc;

	if (capability < PCI_STD_HEADER_SIZEOF ||
	    !range_fits(capability, PCI_CAP_MSIX_SIZEOF, PCI_CONFIG_SIZE))
		return err_set(err, -EINVAL, "MSI-X: %s: capability at 0x%x leaves config space",
			       device->name, capability);
	table = load_le32(config + PCI_MSIX_TABLE);
	pba = load_le32(config + PCI_MSIX_PBA);
	*msix = (struct pci_msix){
		.device = device,
		.delivery = vectors,
		.capability = capability,
		.vectors = (load_le16(config + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1U,
		.table_bar = table & PCI_MSIX_TABLE_BIR,
		.table_offset = table & PCI_MSIX_TABLE_OFFSET,
		.pba_bar = pba & PCI_MSIX_PBA_BIR,
		.pba_offset = pba & PCI_MSIX_PBA_OFFSET,
	};
	rc = msix_check_layout(msix, err);
	if (rc)
		return rc;
	msix->entries = calloc(msix->vectors, sizeof(*msix->entries));
	msix->live = calloc(msix->vectors, sizeof(*msix->live));
	if (!msix->entries || !msix->live) {
		pci_msix_release(msix);
		return err_set(err, -ENOMEM, "MSI-X: %s: %s", device->name, err_text(-ENOMEM));
	}
	msix_entries_reset(msix);
	store_le16(config + PCI_MSIX_FLAGS, (uint16_t)(msix->vectors - 1));
	store_le16(device->write_mask + capability + PCI_MSIX_FLAGS,
		   PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	return 0;
}

void pci_msix_release(struct pci_msix *msix)
{
	free(msix->live);
	free(msix->entries);
	msix->live = NULL;
	msix->entries = NULL;
}

bool pci_msix_covers(const struct pci_msix *msix, unsigned int bar, uint64_t offset, uint64_t size)
{
	return (bar == msix->table_bar &&
		ranges_overlap(offset, size, msix->table_offset, pci_msix_table_size(msix))) ||
	       (bar == msix->pba_bar &&
		ranges_overlap(offset, size, msix->pba_offset, pci_msix_pba_size(msix)));
}

static bool msix_in_table(const struct pci_msix *msix, unsigned int bar, uint64_t offset,
			  unsigned int size)
{
	return bar == msix->table_bar && offset >= msix->table_offset &&
	       range_fits(offset - msix->table_offset, size, pci_msix_table_size(msix));
}

bool pci_msix_is_pba(const struct pci_msix *msix, unsigned int bar, uint64_t offset,
		     unsigned int size)
{
	return bar == msix->pba_bar && offset >= msix->pba_offset &&
	       range_fits(offset - msix->pba_offset, size, pci_msix_pba_size(msix));
}

static bool msix_access_counts(uint64_t offset, unsigned int size)
{
	return (size == 4 || size == 8) && is_aligned(offset, size);
}

static uint32_t msix_entry_read(const struct pci_msix *msix, uint64_t offset)
{
	const struct pci_msix_entry *entry = &msix->entries[offset / PCI_MSIX_ENTRY_SIZE];

	switch (offset % PCI_MSIX_ENTRY_SIZE) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		return (uint32_t)entry->address;
	case PCI_MSIX_ENTRY_UPPER_ADDR:
		return (uint32_t)(entry->address >> 32);
	case PCI_MSIX_ENTRY_DATA:
		return entry->data;
	default:
		return entry->control;
	}
}

/* The low two bits of an address and all of the control word but the mask are reserved. */
static void msix_entry_write(struct pci_msix_entry *entry, unsigned int field, uint32_t value)
{
	switch (field) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		entry->address = (entry->address & ~(uint64_t)UINT32_MAX) | (value & ~3U);
		break;
	case PCI_MSIX_ENTRY_UPPER_ADDR:
		entry->address = (uint32_t)entry->address | (uint64_t)value << 32;
		break;
	case PCI_MSIX_ENTRY_DATA:
		entry->data = value;
		break;
	default:
		entry->control = value & PCI_MSIX_ENTRY_CTRL_MASKBIT;
		break;
	}
}

static uint64_t msix_pba_read(struct pci_msix *msix, uint64_t offset, unsigned int size)
{
	uint64_t first = offset * 8, bits = 0;

	for (unsigned int i = 0; i < 8 * size && first + i < msix->vectors; i++)
		if (pci_vectors_pending(msix->delivery, PCI_VECTORS_MSIX, (unsigned int)first + i))
			bits |= (uint64_t)1 << i;
	return bits;
}

uint64_t pci_msix_read(struct pci_msix *msix, unsigned int bar, uint64_t offset, unsigned int size)
{
	if (!msix_access_counts(offset, size))
		return all_ones(size);
	if (pci_msix_is_pba(msix, bar, offset, size))
		return msix_pba_read(msix, offset - msix->pba_offset, size);
	if (!msix_in_table(msix, bar, offset, size))
		return all_ones(size);
	offset -= msix->table_offset;
	if (size == 4)
		return msix_entry_read(msix, offset);
	return msix_entry_read(msix, offset) | (uint64_t)msix_entry_read(msix, offset + 4) << 32;
}

static void msix_tell_unmasked(struct pci_msix *msix, unsigned int vector)
{
	const struct kvm_msi_message message = {
		.address = msix->entries[vector].address,
		.data = msix->entries[vector].data,
		.device_id = pci_device_requester(msix->device),
	};

	msix->live[vector] = true;
	pci_vectors_unmask(msix->delivery, PCI_VECTORS_MSIX, vector, &message);
}

/* Tells its vectors when @vector came to life, ended or, alive, has a new message. */
static bool msix_vector_update(struct pci_msix *msix, unsigned int vector, bool message_changed)
{
	bool live = msix->enabled && !msix->function_masked &&
		    !(msix->entries[vector].control & PCI_MSIX_ENTRY_CTRL_MASKBIT);

	if (live && (!msix->live[vector] || message_changed)) {
		msix_tell_unmasked(msix, vector);
		return true;
	}
	if (!live && msix->live[vector]) {
		msix->live[vector] = false;
		pci_vectors_mask(msix->delivery, PCI_VECTORS_MSIX, vector);
		return true;
	}
	return false;
}

void pci_msix_write(struct pci_msix *msix, unsigned int bar, uint64_t offset, unsigned int size,
		    uint64_t value)
{
	struct pci_msix_entry *entry, old;
	unsigned int vector, field;

	if (!msix_access_counts(offset, size) || !msix_in_table(msix, bar, offset, size))
		return;
	offset -= msix->table_offset;
	vector = (unsigned int)(offset / PCI_MSIX_ENTRY_SIZE);
	field = offset % PCI_MSIX_ENTRY_SIZE;
	entry = &msix->entries[vector];
	old = *entry;
	msix_entry_write(entry, field, (uint32_t)value);
	if (size == 8)
		msix_entry_write(entry, field + 4, (uint32_t)(value >> 32));
	if (msix_vector_update(msix, vector,
			       old.address != entry->address || old.data != entry->data))
		pci_vectors_flush(msix->delivery, PCI_VECTORS_MSIX);
}

static bool msix_update_all(struct pci_msix *msix)
{
	bool told = false;

	for (unsigned int i = 0; i < msix->vectors; i++)
		told = msix_vector_update(msix, i, false) || told;
	return told;
}

void pci_msix_config_written(struct pci_msix *msix)
{
	uint16_t flags = load_le16(msix->device->config + msix->capability + PCI_MSIX_FLAGS);
	bool was = msix->enabled, told;

	msix->enabled = flags & PCI_MSIX_FLAGS_ENABLE;
	msix->function_masked = flags & PCI_MSIX_FLAGS_MASKALL;
	if (msix->enabled && !was)
		pci_vectors_enable(msix->delivery, PCI_VECTORS_MSIX, msix->vectors);
	told = msix_update_all(msix);
	if (was && !msix->enabled)
		pci_vectors_disable(msix->delivery, PCI_VECTORS_MSIX);
	if (told || was != msix->enabled)
		pci_vectors_flush(msix->delivery, PCI_VECTORS_MSIX);
}

void pci_msix_reset(struct pci_msix *msix)
{
	uint8_t *flags = msix->device->config + msix->capability + PCI_MSIX_FLAGS;

	msix_entries_reset(msix);
	store_le16(flags, load_le16(flags) & PCI_MSIX_FLAGS_QSIZE);
	pci_msix_config_written(msix);
}
