/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of the ways to a device. */

#include "vfio/iommufd/cdev.h"
#include "vfio/provider.h"
#include "vfio/type1/group.h"
#include "vfio/user/way.h"

const struct vfio_provider_ops *const vfio_providers[] = {
	&vfio_user_provider,
	&vfio_iommufd_provider,
	&vfio_type1_provider,
	NULL,
};
