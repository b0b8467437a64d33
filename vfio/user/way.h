/* SPDX-License-Identifier: BSD-3-Clause */
/* The way to devices that are programs: each behind a Unix socket, by vfio-user. */

#ifndef FERRY_VFIO_USER_WAY_H
#define FERRY_VFIO_USER_WAY_H

#include "vfio/provider.h"

extern const struct vfio_provider_ops vfio_user_provider;

#endif
