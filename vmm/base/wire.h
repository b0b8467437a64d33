/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes and descriptors over a stream socket to somebody who is not trusted: all, or none. */

#ifndef FERRY_BASE_WIRE_H
#define FERRY_BASE_WIRE_H

#include <stddef.h>
#include <sys/uio.h>

#include "vmm/base/err.h"

enum { WIRE_FDS_MAX = 16 };

struct wire {
	int fd; /* it need not be non-blocking: no call waits */
	/*
	 * Called while the other end takes nothing or says nothing; @events is POLLOUT or POLLIN.
	 * 0: to be tried again. A negative errno ends the call, which returns it.
	 */
	int (*wait)(void *owner, short events);
	void *owner;
};

/*
 * Sends all of @parts, which it changes; the @fd_count descriptors go with the first byte. 0,
 * -EPIPE when the other end is gone, or another negative errno; part of it may have been sent then.
 * One thread at a time.
 */
int wire_send(const struct wire *wire, struct iovec *parts, size_t count, const int *fds,
	      unsigned int fd_count) FERRY_MUST_CHECK;

/*
 * Receives exactly @size bytes, likewise. In @fds the descriptors that came with the first one, -1
 * behind them, also at a failure. More than @room (WIRE_FDS_MAX at most) may not come: -EPROTO, the
 * kernel has closed what there was no room for. -ECONNRESET: the other end is gone.
 */
int wire_receive(const struct wire *wire, void *bytes, size_t size, int *fds,
		 unsigned int room) FERRY_MUST_CHECK;

/* How many of @room there are. */
unsigned int wire_count(const int *fds, unsigned int room);

/*
 * Closes *@fd, which came so, unless that could take as long as a file system of somebody else's
 * likes: then it stays open. -1 afterwards.
 */
void wire_drop(int *fd);

#endif
