/* SPDX-License-Identifier: BSD-3-Clause */
/* What this folder keeps of everything that is passed through. */

#ifndef FERRY_VFIO_VFIO_PRIVATE_H
#define FERRY_VFIO_VFIO_PRIVATE_H

#include "devices/pci/port.h"
#include "vfio/dma.h"
#include "vfio/pci/pci.h"
#include "vfio/peer.h"
#include "vfio/provider.h"

struct vfio_entry {
	struct vfio *vfio;
	struct vfio_sysfs_device sysfs;
	struct vfio_lease *lease; /* NULL once it has left */
	struct vfio_device_config options;
	struct vfio_rom rom;
	struct vfio_backend *backend; /* opened already, before there is a function; else NULL */
	struct vfio_pci *pci;         /* NULL again when the PCI host has destroyed it */
	struct pci_port *port;        /* above function 0 of a slot behind one; the host's */
};

struct vfio {
	char *sysfs, *dev, *proc;
	struct vfio_settings settings;         /* those strings */
	struct vfio_provider *provider;        /* of all entries; NULL before the first */
	const struct vfio_provider_ops *unfit; /* it served all but could open none; or NULL */
	uint64_t ram_size;                     /* that was found to be allowed to be locked */
	struct vfio_entry **entries;
	size_t count;
	struct vfio_dma dma;
	struct vfio_peers peers;
	void (*wake)(void *machine);
	void *machine;
};

/*
 * Puts the device of @entry, which is open, where it is to be, and function 0 of its slot before
 * it. -errno with @err set.
 */
int vfio_place(const struct vfio *vfio, struct vfio_entry *entry, const struct vfio_attach *to,
	       struct err *err) FERRY_MUST_CHECK;

/* What a function asks of the others, and of who brought it here; its keeper is its entry. */
extern const struct vfio_pci_keeper_ops vfio_keeper_ops;

#endif
