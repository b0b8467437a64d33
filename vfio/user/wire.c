/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages to and from a vfio-user server in time; the end of its thread ends them too. */

#include "vfio/user/wire.h"

#include <errno.h>
#include <poll.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/wire.h"

/* One message. */
struct wire_turn {
	const struct vfio_user_wire *wire;
	int64_t deadline;
};

static int wire_wait(void *owner, short events)
{
	const struct wire_turn *turn = owner;
	struct pollfd polled[] = {{turn->wire->fd, events, 0}, {turn->wire->stop, POLLIN, 0}};
	int64_t left = turn->deadline - clock_now_ms();

	if (left <= 0)
		return -ETIMEDOUT;
	if (poll(polled, ARRAY_SIZE(polled), (int)left) < 0)
		return errno == EINTR ? 0 : -errno;
	return polled[1].revents ? -ECANCELED : 0;
}

int vfio_user_wire_send(const struct vfio_user_wire *wire, struct iovec *parts, size_t count,
			const int *fds, unsigned int fd_count, int64_t deadline)
{
	struct wire_turn turn = {wire, deadline};

	return wire_send(&(struct wire){wire->fd, wire_wait, &turn}, parts, count, fds, fd_count);
}

int vfio_user_wire_receive(const struct vfio_user_wire *wire, void *bytes, size_t size, int *fds,
			   unsigned int room, int64_t deadline)
{
	struct wire_turn turn = {wire, deadline};

	return wire_receive(&(struct wire){wire->fd, wire_wait, &turn}, bytes, size, fds, room);
}
