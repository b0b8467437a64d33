/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sources of a device of vfio-user share. */

#ifndef FERRY_VFIO_USER_DEVICE_PRIVATE_H
#define FERRY_VFIO_USER_DEVICE_PRIVATE_H

#include <linux/vfio.h>

#include "memory/region.h"
#include "vfio/user/device.h"
#include "vfio/user/message.h"
#include "vmm/base/bits.h"

enum { VFIO_USER_REGIONS = VFIO_PCI_NUM_REGIONS, VFIO_USER_BARS = VFIO_PCI_BAR5_REGION_INDEX + 1 };

/* As the server told when the device was opened. */
struct vfio_user_region {
	struct vfio_region_info
		*info; /* with its capabilities, `argsz` bytes; NULL: there is none */
	int fd;        /* a file of memory; -1: none of it is mapped */
	bool posted;   /* writes are not waited for */
};

/* Of one BAR; several may share a descriptor. */
struct vfio_user_doorbells {
	struct mem_doorbell *bells;
	size_t count;
	int fds[VFIO_USER_FDS]; /* eventfds; -1: none */
};

struct vfio_user_device {
	struct vfio_backend backend;
	const char *name;
	struct vfio_user_client *client; /* NULL before it is connected */
	struct vfio_user_memory *memory;
	struct vfio_user_member member;
	struct vfio_user_info info;
	struct vfio_user_region regions[VFIO_USER_REGIONS];
	struct vfio_user_doorbells doorbells[VFIO_USER_BARS];
};

static inline struct vfio_user_device *vfio_user_of(const struct vfio_backend *backend)
{
	return container_of(backend, struct vfio_user_device, backend);
}

/*
 * device.c: as vfio_user_device(), with @err that does not name the device. @config outlives it in
 * what it points to, and need not say how memory is copied. One that never begins needs no memory.
 */
struct vfio_user_device *vfio_user_device_create(int fd, const struct vfio_user_config *config,
						 struct vfio_user_memory *memory, struct err *err);

/* regions.c: what regions there are. -errno with @err set, without the device's name. */
int vfio_user_load_regions(struct vfio_user_device *device, struct err *err) FERRY_MUST_CHECK;
void vfio_user_release_regions(struct vfio_user_device *device);

/*
 * doorbells.c: which writes the server has by eventfds, if it tells. -errno with @err set, without
 * the device's name.
 */
void vfio_user_init_doorbells(struct vfio_user_device *device);
int vfio_user_load_doorbells(struct vfio_user_device *device, struct err *err) FERRY_MUST_CHECK;
size_t vfio_user_doorbells(const struct vfio_backend *backend, uint32_t region,
			   const struct mem_doorbell **doorbells);
void vfio_user_release_doorbells(struct vfio_user_device *device);

/* access.c: as vfio_backend_ops. */
int vfio_user_read(struct vfio_backend *backend, const struct vfio_region_info *region,
		   uint64_t offset, void *data, unsigned int size);
int vfio_user_write(struct vfio_backend *backend, const struct vfio_region_info *region,
		    uint64_t offset, const void *data, unsigned int size);

/* irq.c: likewise. */
int vfio_user_irq_info(struct vfio_backend *backend, struct vfio_irq_info *info);
int vfio_user_set_irqs(struct vfio_backend *backend, struct vfio_irq_set *set);

#endif
