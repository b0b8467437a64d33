/* SPDX-License-Identifier: BSD-3-Clause */
/* The only calls that reach vhost's nodes and taps; tests link a fake of these in their place. */

#ifndef FERRY_DEVICES_VIRTIO_VHOST_SYS_H
#define FERRY_DEVICES_VIRTIO_VHOST_SYS_H

#include "vmm/base/err.h"

/* Opens a node read-write, close-on-exec; the descriptor or a negative errno. */
int vhost_sys_open(const char *path) FERRY_MUST_CHECK;

/* ioctl(2), restarted on EINTR; its result, or a negative errno. */
int vhost_sys_ioctl(int fd, unsigned long request, void *argument) FERRY_MUST_CHECK;

/* Whether there is a network interface of that name; 0, or a negative errno. */
int vhost_sys_find_interface(const char *name) FERRY_MUST_CHECK;

#endif
