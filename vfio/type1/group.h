/* SPDX-License-Identifier: BSD-3-Clause */
/* The way to a device by its IOMMU group, the groups of all of them in one container. */

#ifndef FERRY_VFIO_TYPE1_GROUP_H
#define FERRY_VFIO_TYPE1_GROUP_H

#include "vfio/provider.h"

extern const struct vfio_provider_ops vfio_type1_provider;

#endif
