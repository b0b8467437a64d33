/* SPDX-License-Identifier: BSD-3-Clause */
/* The only calls that reach VFIO's device nodes; tests link a fake of these in their place. */

#ifndef FERRY_VFIO_SYS_H
#define FERRY_VFIO_SYS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vmm/base/err.h"

/* Opens a node read-write, close-on-exec; the descriptor or a negative errno. */
int vfio_sys_open(const char *path) FERRY_MUST_CHECK;

/* ioctl(2), restarted on EINTR; its result, or a negative errno. */
int vfio_sys_ioctl(int fd, unsigned long request, void *argument) FERRY_MUST_CHECK;

/* One pread(2) or pwrite(2), which is one access to the device; bytes done, or a negative errno. */
ssize_t vfio_sys_read(int fd, void *data, size_t size, uint64_t offset) FERRY_MUST_CHECK;
ssize_t vfio_sys_write(int fd, const void *data, size_t size, uint64_t offset) FERRY_MUST_CHECK;

#endif
