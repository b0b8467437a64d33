/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes and descriptors to and from a vfio-user server: whole, and in time. */

#include "vfio/user/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/fd.h"

static int wire_wait(const struct vfio_user_wire *wire, short events, int64_t deadline)
{
	struct pollfd polled[] = {{wire->fd, events, 0}, {wire->stop, POLLIN, 0}};
	int64_t left = deadline - clock_now_ms();

	if (left <= 0)
		return -ETIMEDOUT;
	if (poll(polled, ARRAY_SIZE(polled), (int)left) < 0)
		return errno == EINTR ? 0 : -errno;
	return polled[1].revents ? -ECANCELED : 0;
}

static void wire_add_fds(struct msghdr *header, const int *fds, unsigned int count)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);

	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(control), fds, count * sizeof(int));
}

/* Whether something is left. */
static bool wire_advance(struct msghdr *header, size_t sent)
{
	while (header->msg_iovlen && sent >= header->msg_iov->iov_len) {
		sent -= header->msg_iov->iov_len;
		header->msg_iov++;
		header->msg_iovlen--;
	}
	if (!header->msg_iovlen)
		return false;
	header->msg_iov->iov_base = (char *)header->msg_iov->iov_base + sent;
	header->msg_iov->iov_len -= sent;
	return true;
}

int vfio_user_wire_send(const struct vfio_user_wire *wire, struct iovec *parts, size_t count,
			const int *fds, unsigned int fd_count, int64_t deadline)
{
	char room[CMSG_SPACE(VFIO_USER_FDS_MAX * sizeof(int))] __attribute__((aligned(8))) = {0};
	struct msghdr header = {.msg_iov = parts, .msg_iovlen = count};
	int rc = 0;

	if (fd_count) {
		header.msg_control = room;
		header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		wire_add_fds(&header, fds, fd_count);
	}
	while (!rc) {
		ssize_t n = sendmsg(wire->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			header.msg_control = NULL;
			header.msg_controllen = 0;
			if (!wire_advance(&header, (size_t)n))
				return 0;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			rc = n ? -errno : -EPIPE;
		} else {
			rc = wire_wait(wire, POLLOUT, deadline);
		}
	}
	return rc;
}

/* The one that came with a message, or -1. */
static int wire_take_fd(struct msghdr *header)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);
	int fd;

	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS ||
	    control->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -1;
	memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	return fd;
}

int vfio_user_wire_receive(const struct vfio_user_wire *wire, void *bytes, size_t size, int *fd,
			   int64_t deadline)
{
	char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	size_t received = 0;
	int rc = 0;

	if (fd)
		*fd = -1;
	while (received < size && !rc) {
		bool takes = fd && !received;
		struct iovec rest = {(char *)bytes + received, size - received};
		struct msghdr header = {
			.msg_iov = &rest,
			.msg_iovlen = 1,
			.msg_control = takes ? room : NULL,
			/* Room for one exactly: CMSG_SPACE() would have some for two. */
			.msg_controllen = takes ? CMSG_LEN(sizeof(int)) : 0,
		};
		ssize_t n = recvmsg(wire->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n >= 0 && takes)
			*fd = wire_take_fd(&header);
		if (n >= 0 && header.msg_flags & MSG_CTRUNC)
			rc = -EPROTO;
		else if (n > 0)
			received += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			rc = n ? -errno : -ECONNRESET;
		else
			rc = wire_wait(wire, POLLIN, deadline);
	}
	if (rc && fd)
		vfio_user_wire_drop(fd);
	return rc;
}

void vfio_user_wire_drop(int *fd)
{
	/* A file of memory: its end waits for nobody. */
	if (*fd >= 0 && fcntl(*fd, F_GET_SEALS) >= 0)
		fd_close(fd);
	*fd = -1;
}
