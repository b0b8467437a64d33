/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest's side of MSI and MSI-X: what it programmed, masked and is owed. */

#ifndef FERRY_DEVICES_PCI_MSI_H
#define FERRY_DEVICES_PCI_MSI_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/pci/pci.h"
#include "devices/pci/vectors.h"
#include "vmm/kvm/irq.h"

enum { PCI_MSI_VECTORS_MAX = 32, PCI_MSIX_VECTORS_MAX = 2048 };

struct pci_msix_entry {
	uint64_t address;
	uint32_t data;
	uint32_t control; /* bit 0: masked */
};

enum { PCI_MSIX_NO_PBA = PCI_BAR_COUNT };

/* MSI-X (PCI 3.0 6.8.2). Embedded; the table and PBA lie at the given BAR offsets. */
struct pci_msix {
	struct pci_device *device;
	struct pci_vectors *delivery; /* the owner's, told of what the guest does */
	unsigned int capability;      /* config offset */
	unsigned int vectors;
	unsigned int table_bar, pba_bar; /* the latter may be PCI_MSIX_NO_PBA */
	uint64_t table_offset, pba_offset;
	bool enabled, function_masked;
	struct pci_msix_entry *entries;
	bool *live; /* told unmasked */
};

/*
 * Reads the capability at @capability of @device's shadow, makes MSI-X enable and function mask
 * writable there, allocates the table with every vector masked. -EINVAL when the table does not lie
 * in a memory BAR, or overlaps the PBA; @err says which. A PBA that lies in none is told of, and is
 * nowhere.
 */
int pci_msix_init(struct pci_msix *msix, struct pci_device *device, unsigned int capability,
		  struct pci_vectors *vectors, struct err *err) FERRY_MUST_CHECK;
void pci_msix_release(struct pci_msix *msix);

/* Bytes of the table and of the PBA. */
uint64_t pci_msix_table_size(const struct pci_msix *msix);
uint64_t pci_msix_pba_size(const struct pci_msix *msix);

/* Whether [@offset, @offset + @size) of BAR @bar touches the table or the PBA. */
bool pci_msix_covers(const struct pci_msix *msix, unsigned int bar, uint64_t offset, uint64_t size);

/* Whether [@offset, @offset + @size) of BAR @bar lies wholly in the PBA. */
bool pci_msix_is_pba(const struct pci_msix *msix, unsigned int bar, uint64_t offset,
		     unsigned int size);

/*
 * An access of the guest to the table or PBA: naturally aligned 4 and 8 bytes count (PCI 3.0
 * 6.8.2), others read all ones and are dropped. The PBA is read-only and shows what is pending.
 * Device lock held.
 */
uint64_t pci_msix_read(struct pci_msix *msix, unsigned int bar, uint64_t offset, unsigned int size);
void pci_msix_write(struct pci_msix *msix, unsigned int bar, uint64_t offset, unsigned int size,
		    uint64_t value);

/*
 * To call from config_written when [offset, size) touches the capability; acts on the new shadow.
 */
void pci_msix_config_written(struct pci_msix *msix);

/* Disabled and every vector masked, as after a function reset; tells its vectors. */
void pci_msix_reset(struct pci_msix *msix);

/* MSI (PCI 3.0 6.8.1) with 1 to 32 vectors, 32- or 64-bit, with or without per-vector masks. */
struct pci_msi {
	struct pci_device *device;
	struct pci_vectors *delivery; /* the owner's, told of what the guest does */
	unsigned int capability;
	unsigned int vectors; /* it can do */
	bool wide, maskable;
	bool enabled;
	unsigned int active;            /* vectors the guest enabled */
	uint32_t live;                  /* told unmasked, by bit */
	struct kvm_msi_message message; /* as last read from the shadow */
};

/*
 * As pci_msix_init(), nothing to release; makes enable, multiple-message enable, address, data and
 * masks writable.
 */
int pci_msi_init(struct pci_msi *msi, struct pci_device *device, unsigned int capability,
		 struct pci_vectors *vectors, struct err *err) FERRY_MUST_CHECK;
/* Bytes of the capability, to know which writes touch it. */
unsigned int pci_msi_size(const struct pci_msi *msi);
void pci_msi_config_written(struct pci_msi *msi);
/* The pending bits for a read of the capability; 0 when not maskable. */
uint32_t pci_msi_pending(struct pci_msi *msi);
void pci_msi_reset(struct pci_msi *msi);

#endif
