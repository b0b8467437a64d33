/* SPDX-License-Identifier: BSD-3-Clause */
/* The way to a device by its own character device and iommufd. */

#ifndef FERRY_VFIO_IOMMUFD_CDEV_H
#define FERRY_VFIO_IOMMUFD_CDEV_H

#include "vfio/provider.h"

extern const struct vfio_provider_ops vfio_iommufd_provider;

#endif
