/* SPDX-License-Identifier: BSD-3-Clause */
/* The device operations of the kernel's VFIO: ioctls, and one read or write for an access. */

#include "vfio/kernel.h"

#include <errno.h>
#include <stdlib.h>

#include "vfio/sys.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"

struct kernel_device {
	struct vfio_backend backend;
	int fd;
	void (*closing)(void *owner); /* may be NULL */
	void *owner;
};

static int kernel_to_fd(const struct vfio_backend *backend)
{
	return container_of(backend, struct kernel_device, backend)->fd;
}

/* What answers nothing but that it was done. */
static int kernel_ask(struct vfio_backend *backend, unsigned long request, void *argument)
{
	int rc = vfio_sys_ioctl(kernel_to_fd(backend), request, argument);

	return rc < 0 ? rc : 0;
}

static int kernel_info(struct vfio_backend *backend, struct vfio_device_info *info)
{
	return kernel_ask(backend, VFIO_DEVICE_GET_INFO, info);
}

static int kernel_region_info(struct vfio_backend *backend, struct vfio_region_info *info)
{
	return kernel_ask(backend, VFIO_DEVICE_GET_REGION_INFO, info);
}

static int kernel_irq_info(struct vfio_backend *backend, struct vfio_irq_info *info)
{
	return kernel_ask(backend, VFIO_DEVICE_GET_IRQ_INFO, info);
}

static int kernel_set_irqs(struct vfio_backend *backend, struct vfio_irq_set *set)
{
	return vfio_sys_ioctl(kernel_to_fd(backend), VFIO_DEVICE_SET_IRQS, set);
}

static int kernel_access_result(ssize_t done, unsigned int size)
{
	if (done < 0)
		return (int)done;
	return (size_t)done == size ? 0 : -EIO;
}

static int kernel_read(struct vfio_backend *backend, const struct vfio_region_info *region,
		       uint64_t offset, void *data, unsigned int size)
{
	return kernel_access_result(vfio_sys_read(kernel_to_fd(backend), data, size,
						  region->offset + offset),
				    size);
}

static int kernel_write(struct vfio_backend *backend, const struct vfio_region_info *region,
			uint64_t offset, const void *data, unsigned int size)
{
	return kernel_access_result(vfio_sys_write(kernel_to_fd(backend), data, size,
						   region->offset + offset),
				    size);
}

static int kernel_region_fd(struct vfio_backend *backend, const struct vfio_region_info *region,
			    uint64_t *offset)
{
	*offset = region->offset;
	return kernel_to_fd(backend);
}

static int kernel_reset(struct vfio_backend *backend)
{
	return kernel_ask(backend, VFIO_DEVICE_RESET, NULL);
}

static int kernel_hot_reset_info(struct vfio_backend *backend, struct vfio_pci_hot_reset_info *info)
{
	return kernel_ask(backend, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
}

static int kernel_hot_reset(struct vfio_backend *backend, struct vfio_pci_hot_reset *reset)
{
	return kernel_ask(backend, VFIO_DEVICE_PCI_HOT_RESET, reset);
}

static int kernel_descriptor(const struct vfio_backend *backend)
{
	return kernel_to_fd(backend);
}

static void kernel_close(struct vfio_backend *backend)
{
	struct kernel_device *device = container_of(backend, struct kernel_device, backend);

	if (device->closing)
		device->closing(device->owner);
	fd_close(&device->fd);
	free(device);
}

static const struct vfio_backend_ops kernel_ops = {
	.info = kernel_info,
	.region_info = kernel_region_info,
	.irq_info = kernel_irq_info,
	.set_irqs = kernel_set_irqs,
	.read = kernel_read,
	.write = kernel_write,
	.region_fd = kernel_region_fd,
	.reset = kernel_reset,
	.hot_reset_info = kernel_hot_reset_info,
	.hot_reset = kernel_hot_reset,
	.descriptor = kernel_descriptor,
	.close = kernel_close,
};

struct vfio_backend *vfio_kernel_device(int fd, const char *address, void (*closing)(void *owner),
					void *owner, struct err *err)
{
	struct kernel_device *device = calloc(1, sizeof(*device));

	if (!device) {
		err_set(err, -ENOMEM, "passthrough device %s: out of memory", address);
		if (closing)
			closing(owner);
		fd_close(&fd);
		return NULL;
	}
	device->backend.ops = &kernel_ops;
	device->fd = fd;
	device->closing = closing;
	device->owner = owner;
	return &device->backend;
}
