/* SPDX-License-Identifier: BSD-3-Clause */
/* Who answers for each bit of config space: the shadow, the device, or nobody. */

#ifndef FERRY_VFIO_PCI_RULES_H
#define FERRY_VFIO_PCI_RULES_H

#include <stdint.h>

struct vfio_pci;

/* Takes over the whole header and lets everything behind it be the device's. */
void vfio_rules_apply_header(struct vfio_pci *pci);

/*
 * Walks both capability chains once, with bounds: takes out what a guest must not drive, lets MSI,
 * MSI-X and power management be the monitor's, and applies the rules of the others.
 */
void vfio_rules_apply_capabilities(struct vfio_pci *pci);

#endif
