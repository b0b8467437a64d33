/* SPDX-License-Identifier: BSD-3-Clause */
/* Joins a port of the machine's (virtio-serial) to a Unix socket, for one conversation. */

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum { BRIDGE_PAUSE_US = 20000 };

/* While nobody has the port's other end it says that it was hung up. */
static void wait_for_peer(int port)
{
	struct pollfd poll_port = {.fd = port, .events = POLLOUT};

	while (poll(&poll_port, 1, -1) < 0 || poll_port.revents & POLLHUP)
		usleep(BRIDGE_PAUSE_US);
}

static void write_all(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
			continue;
		}
		if (written <= 0)
			err(1, "bridge: write");
		bytes += written;
		size -= (size_t)written;
	}
}

/* Moves what there is; false at the end of what @from has to say. */
static int move(int from, int to)
{
	char bytes[16384];
	ssize_t size = read(from, bytes, sizeof(bytes));

	if (size < 0)
		return errno == EAGAIN || errno == EINTR;
	write_all(to, bytes, (size_t)size);
	return size > 0;
}

/* Ends when either side does. */
int bridge_main(int argc, char **argv)
{
	struct pollfd sides[2] = {{.events = POLLIN}, {.events = POLLIN}};

	if (argc != 3)
		errx(2, "bridge: PORT unix:PATH");
	sides[0].fd = open(argv[1], O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (sides[0].fd < 0)
		err(1, "bridge: %s", argv[1]);
	wait_for_peer(sides[0].fd);
	sides[1].fd = unix_connect(argv[2]);
	for (;;) {
		if (poll(sides, 2, -1) < 0 && errno != EINTR)
			err(1, "bridge: poll");
		for (int side = 0; side < 2; side++) {
			if (sides[side].revents & POLLIN) {
				if (!move(sides[side].fd, sides[!side].fd))
					return 0;
			} else if (sides[side].revents & (POLLHUP | POLLERR)) {
				return 0;
			}
		}
	}
}
