/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes and descriptors over a stream socket: what the kernel splits is put together again. */

#include "vmm/base/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "vmm/base/fd.h"

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

/* After a call that has moved nothing, @end being what no bytes at all mean. */
static int wire_again(const struct wire *wire, ssize_t n, short events, int end)
{
	if (n == 0)
		return end;
	if (errno == EINTR)
		return 0;
	return errno == EAGAIN ? wire->wait(wire->owner, events) : -errno;
}

int wire_send(const struct wire *wire, struct iovec *parts, size_t count, const int *fds,
	      unsigned int fd_count)
{
	char room[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))] __attribute__((aligned(8))) = {0};
	struct msghdr header = {.msg_iov = parts, .msg_iovlen = count};
	int rc = 0;

	if (fd_count > WIRE_FDS_MAX)
		return -E2BIG;
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
		} else {
			rc = wire_again(wire, n, POLLOUT, -EPIPE);
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

int wire_receive(const struct wire *wire, void *bytes, size_t size, int *fd)
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
		else
			rc = wire_again(wire, n, POLLIN, -ECONNRESET);
	}
	if (rc && fd)
		wire_drop(fd);
	return rc;
}

void wire_drop(int *fd)
{
	/* A file of memory waits for nobody at its end. */
	if (fd_is_memory(*fd))
		fd_close(fd);
	*fd = -1;
}
