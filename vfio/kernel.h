/* SPDX-License-Identifier: BSD-3-Clause */
/* A device behind a descriptor of the kernel's, however it was opened. */

#ifndef FERRY_VFIO_KERNEL_H
#define FERRY_VFIO_KERNEL_H

#include "vfio/backend.h"
#include "vmm/base/err.h"

/*
 * Takes over @fd; NULL with @err set, @fd closed then too. @closing, unless NULL, is called with
 * @owner before it is closed.
 */
struct vfio_backend *vfio_kernel_device(int fd, const char *address, void (*closing)(void *owner),
					void *owner, struct err *err);

#endif
