/* SPDX-License-Identifier: BSD-3-Clause */
/* A device behind a connection to a vfio-user server. */

#ifndef FERRY_VFIO_USER_DEVICE_H
#define FERRY_VFIO_USER_DEVICE_H

#include "vfio/backend.h"
#include "vfio/user/memory.h"
#include "vmm/base/err.h"

/*
 * Takes over @fd, a connected stream socket that does not block: settles the version, asks what the
 * device is; with @doorbells also which writes it hears of by eventfds, which become that VM's. At
 * that question some servers end. NULL with @err set, @fd closed then too. @name and @memory
 * outlive it.
 */
struct vfio_backend *vfio_user_device(int fd, const char *name, int64_t patience_ms,
				      struct kvm_vm *doorbells, struct vfio_user_memory *memory,
				      struct err *err);

/* From now on its server is heard by a thread, and reaches the memory. -errno with @err set. */
int vfio_user_device_begin(struct vfio_backend *backend, struct err *err) FERRY_MUST_CHECK;

/* Its descriptors behind @count others, as vfio_list(). */
size_t vfio_user_descriptors(const struct vfio_backend *backend, int *descriptors, size_t room,
			     size_t count);

#endif
