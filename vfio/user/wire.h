/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes and descriptors to and from a vfio-user server: whole, and in time. */

#ifndef FERRY_VFIO_USER_WIRE_H
#define FERRY_VFIO_USER_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vmm/base/err.h"

enum { VFIO_USER_FDS_MAX = 16, VFIO_USER_PARTS_MAX = 3 };

/* A connection, which does not block. */
struct vfio_user_wire {
	int fd;
	int stop; /* eventfd: whoever waits is to return with -ECANCELED; -1: none */
};

/*
 * Sends all of @parts, which it changes; the @fd_count descriptors go with the first byte. Waits
 * until @deadline (clock_now_ms()). -ETIMEDOUT, -EPIPE when the other end is gone, or another
 * negative errno; part of it may have been sent then. One thread at a time.
 */
int vfio_user_wire_send(const struct vfio_user_wire *wire, struct iovec *parts, size_t count,
			const int *fds, unsigned int fd_count, int64_t deadline) FERRY_MUST_CHECK;

/*
 * Receives exactly @size bytes, likewise. In *@fd the descriptor that came with the first one, or
 * -1; with @fd NULL none may come, and more than one may never: -EPROTO, the kernel has dropped
 * what there was no room for. -ECONNRESET: the other end is gone.
 */
int vfio_user_wire_receive(const struct vfio_user_wire *wire, void *bytes, size_t size, int *fd,
			   int64_t deadline) FERRY_MUST_CHECK;

/*
 * Closes *@fd, which came from a server, unless that could take as long as a file system of
 * somebody else's likes: then it stays open.
 */
void vfio_user_wire_drop(int *fd);

#endif
