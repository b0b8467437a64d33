/* SPDX-License-Identifier: BSD-3-Clause */
/* A passed-through function for a person: what the files that describe it share. */

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

/* Of the functions below the device lock is held by the caller. */

/* describe_config.c: header and both capability chains, as the guest reads them. */
void vfio_describe_config(const struct vfio_pci *pci, FILE *out);

/* describe_irqs.c: the mode in use and each vector. */
void vfio_describe_irqs(struct vfio_pci *pci, FILE *out);

/* "MSI-X, 5 vectors enabled", for a list. */
const char *vfio_describe_mode(const struct vfio_irqs *irqs);

/* How a vector's signals get to the guest: "irqfd", "relayed", "held back" and so on. */
const char *vfio_describe_delivery(const struct vfio_vector *vector);

#endif
