/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of `ferry doctor` share. */

#ifndef FERRY_VMM_TOOLS_DOCTOR_H
#define FERRY_VMM_TOOLS_DOCTOR_H

#include <stdint.h>

#include "vfio/host/host.h"
#include "vmm/tools/findings.h"
#include "vmm/tools/tools.h"

struct doctor {
	const struct tool *tool;
	uint64_t memory;
	uint64_t page_size;               /* of huge pages; 0 without */
	struct vfio_host_device *devices; /* those asked about that are there */
	size_t count;
	size_t asked;               /* those asked about */
	unsigned int physical_bits; /* 0: KVM cannot be asked */
	struct findings findings;
};

/* What passthrough lacks stops a run with devices and is worth a warning without. */
static inline enum finding_status doctor_severity(const struct doctor *doctor)
{
	return doctor->asked ? FINDING_FAILURE : FINDING_WARNING;
}

/* The host: KVM, IOMMU, interrupt remapping, modules, the container's node. */
void doctor_check_host(struct doctor *doctor);

/* What may be locked, and what is free. */
void doctor_check_memory(struct doctor *doctor);

/* Says how to turn the IOMMU on, as the last finding's mending. */
void doctor_mend_iommu(struct doctor *doctor);

/* What interrupts the devices have, and whether the host has as many vectors. */
void doctor_check_interrupts(struct doctor *doctor);

/* Every device with its group. */
void doctor_check_devices(struct doctor *doctor);

/* Whether RAM and BARs find places. After the host's check. */
void doctor_check_layout(struct doctor *doctor);

#endif
