/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes and descriptors to and from a vfio-user server: whole, and in time. */

#ifndef FERRY_VFIO_USER_WIRE_H
#define FERRY_VFIO_USER_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vmm/base/err.h"

/* A connection, which does not block. */
struct vfio_user_wire {
	int fd;
	int stop; /* eventfd: whoever waits is to return with -ECANCELED; -1: none */
};

/* As wire_send() and wire_receive(), until @deadline (clock_now_ms()): -ETIMEDOUT, -ECANCELED. */
int vfio_user_wire_send(const struct vfio_user_wire *wire, struct iovec *parts, size_t count,
			const int *fds, unsigned int fd_count, int64_t deadline) FERRY_MUST_CHECK;
int vfio_user_wire_receive(const struct vfio_user_wire *wire, void *bytes, size_t size, int *fds,
			   unsigned int room, int64_t deadline) FERRY_MUST_CHECK;

#endif
