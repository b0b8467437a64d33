/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's memory as a file that the kernel maps for other devices' DMA. */

#include "vfio/iommufd/dmabuf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>

#include "vfio/iommufd/abi.h"
#include "vfio/sys.h"
#include "vmm/base/bits.h"

static int dmabuf_export(int device, uint32_t bar, uint64_t offset, uint64_t size)
{
	struct iommufd_feature_dma_buf ask = {
		.argsz = sizeof(ask),
		.flags = VFIO_DEVICE_FEATURE_GET | IOMMUFD_FEATURE_DMA_BUF,
		.region = bar,
		.open_flags = O_RDWR | O_CLOEXEC,
		.ranges = 1,
		.offset = offset,
		.length = size,
	};

	return vfio_sys_ioctl(device, VFIO_DEVICE_FEATURE, &ask);
}

/* Where a BAR is in the descriptor is the kernel's affair: it is asked. */
int vfio_dmabuf_open(int device, uint64_t place, uint64_t size)
{
	for (uint32_t bar = 0; bar <= VFIO_PCI_BAR5_REGION_INDEX; bar++) {
		struct vfio_region_info info = {.argsz = sizeof(info), .index = bar};
		int rc = vfio_sys_ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info);

		if (rc < 0)
			return rc;
		if (place >= info.offset && range_fits(place - info.offset, size, info.size))
			return dmabuf_export(device, bar, place - info.offset, size);
	}
	return -ENXIO;
}
