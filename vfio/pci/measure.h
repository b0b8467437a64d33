/* SPDX-License-Identifier: BSD-3-Clause */
/* The BARs of an opened device, for one whose own sysfs does not tell. */

#ifndef FERRY_VFIO_PCI_MEASURE_H
#define FERRY_VFIO_PCI_MEASURE_H

#include "vfio/backend.h"
#include "vfio/host/sysfs.h"

/*
 * Sizes by VFIO_DEVICE_GET_REGION_INFO and kinds by the BARs' own bits (PCI 3.0 6.2.5.1), into
 * @resources. @name is for the sentence. Nothing is written to the device.
 */
int vfio_measure(struct vfio_backend *backend, const char *name,
		 struct vfio_resource resources[PCI_BAR_COUNT], struct err *err) FERRY_MUST_CHECK;

#endif
