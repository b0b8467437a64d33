/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's memory as a file that the kernel maps for other devices' DMA. */

#ifndef FERRY_VFIO_IOMMUFD_DMABUF_H
#define FERRY_VFIO_IOMMUFD_DMABUF_H

#include <stdint.h>

#include "vmm/base/err.h"

/*
 * A dma-buf of the @size bytes of a BAR that @device, a descriptor of VFIO's, has at @place. The
 * caller's, who may close it once it is mapped. A negative errno, as of a kernel that has none.
 */
int vfio_dmabuf_open(int device, uint64_t place, uint64_t size) FERRY_MUST_CHECK;

#endif
