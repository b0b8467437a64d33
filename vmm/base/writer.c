/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing to what somebody else reads, without ever waiting for them. */

#include "vmm/base/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/fd.h"

void writer_take(struct writer *writer, int fd)
{
	*writer = (struct writer){.fd = fd, .owned = true, .way = WRITER_DIRECT};
}

/* The controlling end of a pseudo-terminal: to open that would make another pair. */
static bool writer_is_pty_master(int fd)
{
	int number;

	return ioctl(fd, TIOCGPTN, &number) == 0;
}

static int writer_open_again(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void writer_share(struct writer *writer, int fd)
{
	struct stat status;
	bool pipe, terminal;
	int own;

	*writer = (struct writer){.fd = fd, .way = WRITER_DIRECT};
	if (fd < 0 || fstat(fd, &status) < 0)
		return;
	pipe = S_ISFIFO(status.st_mode);
	terminal = S_ISCHR(status.st_mode) && isatty(fd);
	if (S_ISSOCK(status.st_mode))
		writer->way = WRITER_SOCKET;
	if (!pipe && !terminal)
		return;
	own = pipe || !writer_is_pty_master(fd) ? writer_open_again(fd) : -1;
	if (own >= 0)
		writer_take(writer, own);
	else
		writer_watch(writer, fd, terminal ? 1 : PIPE_BUF);
}

void writer_watch(struct writer *writer, int fd, size_t most)
{
	*writer = (struct writer){.fd = fd, .way = WRITER_POLLED, .most = most};
}

/* Somebody else may fill it first; that is why it is the last resort. */
static ssize_t writer_write_polled(const struct writer *writer, const void *bytes, size_t size)
{
	struct pollfd ready = {.fd = writer->fd, .events = POLLOUT};

	if (poll(&ready, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(writer->fd, bytes, size < writer->most ? size : writer->most);
}

ssize_t writer_write(const struct writer *writer, const void *bytes, size_t size)
{
	ssize_t n;

	do {
		if (writer->way == WRITER_SOCKET)
			n = send(writer->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		else if (writer->way == WRITER_POLLED)
			n = writer_write_polled(writer, bytes, size);
		else
			n = write(writer->fd, bytes, size);
	} while (n < 0 && errno == EINTR);
	if (n == 0 && size > 0)
		return -EAGAIN;
	return n < 0 ? -errno : n;
}

void writer_close(struct writer *writer)
{
	if (writer->owned)
		fd_close(&writer->fd);
	*writer = (struct writer){.fd = -1};
}
