/* SPDX-License-Identifier: BSD-3-Clause */
/* Who answers for each bit of config space: the shadow, the device, or nobody. */

#ifndef FERRY_VFIO_PCI_RULES_H
#define FERRY_VFIO_PCI_RULES_H

#include <stdint.h>

struct vfio_pci;

/* Takes over the whole header and lets everything behind it be the device's. */
void vfio_rules_apply_header(struct vfio_pci *pci);

/* [@offset, @offset + @size) is answered by the shadow, writes are not forwarded; clipped. */
void vfio_rules_emulate(struct vfio_pci *pci, unsigned int offset, unsigned int size);

/*
 * Applies the rules of capability @id at @at, as far as they end at or before @limit, the place of
 * whatever comes next. A capability without rules stays the device's but for its first two bytes.
 */
void vfio_rules_apply_capability(struct vfio_pci *pci, uint8_t id, unsigned int at,
				 unsigned int limit);

/*
 * How many bytes of the extended capability with @header at @at are to be hidden; 0: the guest is
 * to see it.
 */
unsigned int vfio_rules_hidden_size(const uint8_t *config, unsigned int at, uint32_t header);

#endif
