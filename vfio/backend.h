/* SPDX-License-Identifier: BSD-3-Clause */
/* What an opened device offers, however it was opened: in the structs of the kernel's VFIO. */

#ifndef FERRY_VFIO_BACKEND_H
#define FERRY_VFIO_BACKEND_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct mem_doorbell;
struct vfio_backend;

/*
 * Every function that can fail returns 0 or a negative errno. Once the guest runs the caller holds
 * the device lock, or is the thread of a reset, which has the device to itself. @argsz is honoured.
 */
struct vfio_backend_ops {
	/* The eventfds that it is given another process has too (fd_take_shared(), fd_signal()). */
	bool is_shared;
	int (*info)(struct vfio_backend *backend, struct vfio_device_info *info);
	int (*region_info)(struct vfio_backend *backend, struct vfio_region_info *info);
	int (*irq_info)(struct vfio_backend *backend, struct vfio_irq_info *info);
	/* A positive answer: not done, only so many vectors can be had. */
	int (*set_irqs)(struct vfio_backend *backend, struct vfio_irq_set *set);
	/*
	 * One access of exactly @size bytes, or of the ROM or config space a block; anything less
	 * is -EIO.
	 */
	int (*read)(struct vfio_backend *backend, const struct vfio_region_info *region,
		    uint64_t offset, void *data, unsigned int size);
	int (*write)(struct vfio_backend *backend, const struct vfio_region_info *region,
		     uint64_t offset, const void *data, unsigned int size);
	/* The descriptor and the place in it to mmap; stays the back end's. */
	int (*region_fd)(struct vfio_backend *backend, const struct vfio_region_info *region,
			 uint64_t *offset);
	/*
	 * Writes to BAR @region that only tell of themselves, each of a width and in the BAR; the
	 * array is the back end's until it is closed. How many. NULL: it knows of none.
	 */
	size_t (*doorbells)(const struct vfio_backend *backend, uint32_t region,
			    const struct mem_doorbell **doorbells);
	/*
	 * The guest met a page that did not answer: whether all @size bytes that are mapped at
	 * @host do. NULL: COMMAND and the power state say that.
	 */
	bool (*answers)(struct vfio_backend *backend, void *host, uint64_t size);
	int (*reset)(struct vfio_backend *backend);
	/*
	 * VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: whom a reset of the bus would hit. -ENOSPC with
	 * @info->count told when argsz leaves too little room; -ENODEV where there is no such
	 * reset.
	 */
	int (*hot_reset_info)(struct vfio_backend *backend, struct vfio_pci_hot_reset_info *info);
	/*
	 * VFIO_DEVICE_PCI_HOT_RESET, with what proves ownership of everyone hit. NULL where
	 * hot_reset_info() never answers.
	 */
	int (*hot_reset)(struct vfio_backend *backend, struct vfio_pci_hot_reset *reset);
	/*
	 * Whether it is gone for good, which the back end has told a person of and signalled by
	 * VFIO_PCI_REQ_IRQ_INDEX. NULL: that event means that the host wants it back.
	 */
	bool (*is_lost)(const struct vfio_backend *backend);
	/* The device's descriptor for a sandbox's list, -1 without one. */
	int (*descriptor)(const struct vfio_backend *backend);
	/* What is to be told of it to who debugs, in lines. NULL: nothing. */
	void (*describe)(const struct vfio_backend *backend, FILE *out);
	void (*close)(struct vfio_backend *backend);
};

/* One opened device. Embedded first in the back end's own struct. */
struct vfio_backend {
	const struct vfio_backend_ops *ops;
};

/*
 * Puts @fd behind the @count descriptors listed, as far as there is @room, unless it is negative;
 * returns how many there are then.
 */
static inline size_t vfio_list(int fd, int *descriptors, size_t room, size_t count)
{
	if (fd < 0)
		return count;
	if (count < room)
		descriptors[count] = fd;
	return count + 1;
}

#endif
