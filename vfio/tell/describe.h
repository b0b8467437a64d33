/* SPDX-License-Identifier: BSD-3-Clause */
/* Passed-through functions for a person: what describing them takes from those who keep them. */

#ifndef FERRY_VFIO_TELL_DESCRIBE_H
#define FERRY_VFIO_TELL_DESCRIBE_H

#include <stddef.h>
#include <stdio.h>

#include "vfio/host/sysfs.h"
#include "vfio/pci/pci.h"

/*
 * vfio.c: device @index of vfio_device_count(); NULL when it is not opened yet or gone with its
 * host.
 */
struct vfio_pci *vfio_device(struct vfio *vfio, size_t index,
			     const struct vfio_sysfs_device **sysfs);
/* Likewise, of its status: id, slot, and whether it is leaving that. */
void vfio_fill_placement(struct vfio *vfio, size_t index, struct vfio_status *status);

#endif
