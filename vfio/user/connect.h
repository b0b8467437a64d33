/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection to a server of vfio-user that listens at a path. */

#ifndef FERRY_VFIO_USER_CONNECT_H
#define FERRY_VFIO_USER_CONNECT_H

#include "vmm/base/err.h"

/* A connection, close-on-exec, that does not block; or -errno with @err naming @path. */
int vfio_user_connect(const char *path, struct err *err) FERRY_MUST_CHECK;

#endif
