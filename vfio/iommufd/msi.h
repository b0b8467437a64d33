/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the host's kernel gives a device of iommufd's its MSIs. */

#ifndef FERRY_VFIO_IOMMUFD_MSI_H
#define FERRY_VFIO_IOMMUFD_MSI_H

#include "vfio/backend.h"
#include "vfio/host/sysfs.h"
#include "vmm/base/err.h"

/*
 * Tries one vector of @device, which is attached and has none yet, where the kernel has to map what
 * an MSI is written to, as on Arm. From 6.15 on it needs a part of iommufd's for that, without
 * which it gives no MSI at all: -EOPNOTSUPP.
 */
int vfio_msi_check(struct vfio_backend *backend, const struct vfio_sysfs_device *device,
		   const char *sysfs, struct err *err) FERRY_MUST_CHECK;

#endif
