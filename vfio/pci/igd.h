/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intel's own graphics: registers that hold addresses of the host's memory, or call its firmware.
 */

#ifndef FERRY_VFIO_PCI_IGD_H
#define FERRY_VFIO_PCI_IGD_H

#include <stdbool.h>
#include <stdint.h>

struct vfio_pci;

/* The page of BAR 0 that shows some of those registers once more. */
enum { VFIO_IGD_MIRROR_BAR = 0, VFIO_IGD_MIRROR = 0x108000, VFIO_IGD_MIRROR_SIZE = 0x1000 };

/*
 * After the capabilities' setup. Of such a device takes those registers of config space from the
 * guest, and has the page above trapped.
 */
void vfio_igd_setup(struct vfio_pci *pci);

/* Bits of the @size bytes at @offset of BAR @bar that the guest reads as 0 and does not write. */
uint64_t vfio_igd_hidden(const struct vfio_pci *pci, unsigned int bar, uint64_t offset,
			 unsigned int size);

#endif
