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

/* Those that came with a message; the kernel has no more than were asked for. */
static void wire_take_fds(struct msghdr *header, int *fds)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(header);

	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(control), control->cmsg_len - CMSG_LEN(0));
}

int wire_receive(const struct wire *wire, void *bytes, size_t size, int *fds, unsigned int room)
{
	char control[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))] __attribute__((aligned(8)));
	size_t received = 0;
	int rc = 0;

	for (unsigned int i = 0; i < room; i++)
		fds[i] = -1;
	while (received < size && !rc) {
		bool takes = room && !received;
		struct iovec rest = {(char *)bytes + received, size - received};
		struct msghdr header = {
			.msg_iov = &rest,
			.msg_iovlen = 1,
			.msg_control = takes ? control : NULL,
			/* Room for so many exactly: CMSG_SPACE() would have some for one more. */
			.msg_controllen = takes ? CMSG_LEN(room * sizeof(int)) : 0,
		};
		ssize_t n = recvmsg(wire->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n >= 0 && takes)
			wire_take_fds(&header, fds);
		if (n >= 0 && header.msg_flags & MSG_CTRUNC)
			rc = -EPROTO;
		else if (n > 0)
			received += (size_t)n;
		else
			rc = wire_again(wire, n, POLLIN, -ECONNRESET);
	}
	for (unsigned int i = 0; i < room && rc; i++)
		wire_drop(&fds[i]);
	return rc;
}

unsigned int wire_count(const int *fds, unsigned int room)
{
	unsigned int count = 0;

	while (count < room && fds[count] >= 0)
		count++;
	return count;
}

void wire_drop(int *fd)
{
	/* A file of memory waits for nobody at its end. */
	if (fd_is_memory(*fd))
		fd_close(fd);
	*fd = -1;
}
