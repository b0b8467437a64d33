/* SPDX-License-Identifier: BSD-3-Clause */
/* MSI of a function: the one message, its vectors and their masks as the guest set them. */

#include <errno.h>
#include <linux/pci_regs.h>

#include "devices/pci/msi.h"
#include "vmm/base/bits.h"

static uint8_t *msi_capability_at(const struct pci_msi *msi, unsigned int offset)
{
	return msi->device->config + msi->capability + offset;
}

static unsigned int msi_data_offset(const struct pci_msi *msi)
{
	return msi->wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32;
}

static unsigned int msi_mask_offset(const struct pci_msi *msi)
{
	return msi->wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32;
}

unsigned int pci_msi_size(const struct pci_msi *msi)
{
	if (msi->maskable)
		return msi_mask_offset(msi) + 8;
	return msi_data_offset(msi) + 2;
}

static void msi_make_writable(struct pci_msi *msi)
{
	uint8_t *mask = msi->device->write_mask + msi->capability;

	store_le16(mask + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	store_le32(mask + PCI_MSI_ADDRESS_LO, ~3U);
	if (msi->wide)
		store_le32(mask + PCI_MSI_ADDRESS_HI, UINT32_MAX);
	store_le16(mask + msi_data_offset(msi), UINT16_MAX);
	if (msi->maskable)
		store_le32(mask + msi_mask_offset(msi), UINT32_MAX >> (32 - msi->vectors));
}

/* What a guest can write goes to 0; the extended message data of newer devices is not offered. */
static void msi_clear_shadow(struct pci_msi *msi)
{
	uint16_t keep = PCI_MSI_FLAGS_QMASK | PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT;
	uint8_t *flags = msi_capability_at(msi, PCI_MSI_FLAGS);

	store_le16(flags, load_le16(flags) & keep);
	store_le32(msi_capability_at(msi, PCI_MSI_ADDRESS_LO), 0);
	if (msi->wide)
		store_le32(msi_capability_at(msi, PCI_MSI_ADDRESS_HI), 0);
	store_le16(msi_capability_at(msi, msi_data_offset(msi)), 0);
	if (msi->maskable)
		store_le32(msi_capability_at(msi, msi_mask_offset(msi)), 0);
}

int pci_msi_init(struct pci_msi *msi, struct pci_device *device, unsigned int capability,
		 struct pci_vectors *vectors, struct err *err)
{
	uint16_t flags;

	if (capability < PCI_STD_HEADER_SIZEOF || !range_fits(capability, 4, PCI_CONFIG_SIZE))
		return err_set(err, -EINVAL, "MSI: %s: capability at 0x%x leaves config space",
			       device->name, capability);
	flags = load_le16(device->config + capability + PCI_MSI_FLAGS);
	*msi = (struct pci_msi){
		.device = device,
		.delivery = vectors,
		.capability = capability,
		.vectors = 1U << ((flags & PCI_MSI_FLAGS_QMASK) >> 1),
		.wide = flags & PCI_MSI_FLAGS_64BIT,
		.maskable = flags & PCI_MSI_FLAGS_MASKBIT,
	};
	if (!range_fits(capability, pci_msi_size(msi), PCI_CONFIG_SIZE))
		return err_set(err, -EINVAL, "MSI: %s: capability at 0x%x leaves config space",
			       device->name, capability);
	if (msi->vectors > PCI_MSI_VECTORS_MAX)
		return err_set(err, -EINVAL, "MSI: %s: it claims %u vectors, 32 are possible",
			       device->name, msi->vectors);
	msi_make_writable(msi);
	msi_clear_shadow(msi);
	return 0;
}

/* PCI 3.0 6.8.1.6: with several vectors the function replaces the low bits of the data. */
static void msi_tell_unmasked(struct pci_msi *msi, unsigned int vector)
{
	struct kvm_msi_message message = msi->message;

	message.data = (message.data & ~(msi->active - 1)) | vector;
	message.device_id = pci_device_requester(msi->device);
	msi->live |= 1U << vector;
	pci_vectors_unmask(msi->delivery, PCI_VECTORS_MSI, vector, &message);
}

/* Reads the message from the shadow; whether it is another than before. */
static bool msi_message_update(struct pci_msi *msi)
{
	struct kvm_msi_message old = msi->message;

	msi->message.address = load_le32(msi_capability_at(msi, PCI_MSI_ADDRESS_LO));
	if (msi->wide)
		msi->message.address |=
			(uint64_t)load_le32(msi_capability_at(msi, PCI_MSI_ADDRESS_HI)) << 32;
	msi->message.data = load_le16(msi_capability_at(msi, msi_data_offset(msi)));
	return msi->message.address != old.address || msi->message.data != old.data;
}

/* The vectors that are to be live, by bit. */
static uint32_t msi_wanted(const struct pci_msi *msi)
{
	uint32_t vectors = msi->enabled ? UINT32_MAX >> (32 - msi->active) : 0;

	if (msi->maskable)
		vectors &= ~load_le32(msi_capability_at(msi, msi_mask_offset(msi)));
	return vectors;
}

static bool msi_update_vectors(struct pci_msi *msi, uint32_t live, bool message_changed)
{
	bool told = false;

	for (unsigned int i = 0; i < msi->vectors; i++) {
		uint32_t bit = 1U << i;

		if ((live & bit) && (!(msi->live & bit) || message_changed)) {
			msi_tell_unmasked(msi, i);
			told = true;
		} else if (!(live & bit) && (msi->live & bit)) {
			msi->live &= ~bit;
			pci_vectors_mask(msi->delivery, PCI_VECTORS_MSI, i);
			told = true;
		}
	}
	return told;
}

void pci_msi_config_written(struct pci_msi *msi)
{
	uint16_t flags = load_le16(msi_capability_at(msi, PCI_MSI_FLAGS));
	bool enabled = flags & PCI_MSI_FLAGS_ENABLE, told = false;
	unsigned int active = 1U << ((flags & PCI_MSI_FLAGS_QSIZE) >> 4);
	bool message_changed = msi_message_update(msi);

	if (active > msi->vectors)
		active = msi->vectors;
	if (msi->enabled && (!enabled || active != msi->active)) {
		msi_update_vectors(msi, 0, false);
		msi->enabled = false;
		pci_vectors_disable(msi->delivery, PCI_VECTORS_MSI);
		told = true;
	}
	msi->active = active;
	if (enabled && !msi->enabled) {
		msi->enabled = true;
		pci_vectors_enable(msi->delivery, PCI_VECTORS_MSI, active);
		told = true;
	}
	told = msi_update_vectors(msi, msi_wanted(msi), message_changed) || told;
	if (told)
		pci_vectors_flush(msi->delivery, PCI_VECTORS_MSI);
}

uint32_t pci_msi_pending(struct pci_msi *msi)
{
	uint32_t bits = 0;

	for (unsigned int i = 0; msi->maskable && i < msi->vectors; i++)
		if (pci_vectors_pending(msi->delivery, PCI_VECTORS_MSI, i))
			bits |= 1U << i;
	return bits;
}

void pci_msi_reset(struct pci_msi *msi)
{
	msi_clear_shadow(msi);
	pci_msi_config_written(msi);
}
