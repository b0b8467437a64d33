/* SPDX-License-Identifier: BSD-3-Clause */
/* What a person calls the messages of vfio-user. */

#include "vfio/user/message.h"

#include <errno.h>

#include "vmm/base/bits.h"

const char *vfio_user_name(unsigned int command)
{
	static const char *const names[] = {
		[VFIO_USER_VERSION] = "VERSION",
		[VFIO_USER_DMA_MAP] = "DMA_MAP",
		[VFIO_USER_DMA_UNMAP] = "DMA_UNMAP",
		[VFIO_USER_GET_INFO] = "DEVICE_GET_INFO",
		[VFIO_USER_GET_REGION_INFO] = "DEVICE_GET_REGION_INFO",
		[VFIO_USER_GET_REGION_IO_FDS] = "GET_REGION_IO_FDS",
		[VFIO_USER_GET_IRQ_INFO] = "DEVICE_GET_IRQ_INFO",
		[VFIO_USER_SET_IRQS] = "DEVICE_SET_IRQS",
		[VFIO_USER_REGION_READ] = "REGION_READ",
		[VFIO_USER_REGION_WRITE] = "REGION_WRITE",
		[VFIO_USER_DMA_READ] = "DMA_READ",
		[VFIO_USER_DMA_WRITE] = "DMA_WRITE",
		[VFIO_USER_RESET] = "DEVICE_RESET",
	};

	return command < ARRAY_SIZE(names) && names[command] ? names[command] : "a message";
}

int vfio_user_error(const struct vfio_user_header *header)
{
	const uint32_t most = 4095; /* the kernel's */

	return header->error && header->error <= most ? -(int)header->error : -EREMOTEIO;
}
