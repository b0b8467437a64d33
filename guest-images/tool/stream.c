/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection by TCP or between guest and host: a file goes out, what comes in is printed. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum { STREAM_TRIES = 600, STREAM_PAUSE_US = 100000 };

/* A port of either kind, as "tcp:10.77.0.1:5000" or "vsock:2:5000". */
union stream_address {
	struct sockaddr any;
	struct sockaddr_in tcp;
	struct sockaddr_vm vsock;
};

static socklen_t stream_parse(const char *text, union stream_address *address)
{
	char host[64];
	unsigned int port;

	memset(address, 0, sizeof(*address));
	if (sscanf(text, "tcp:%63[^:]:%u", host, &port) == 2) {
		address->tcp.sin_family = AF_INET;
		address->tcp.sin_port = htons((uint16_t)port);
		if (inet_pton(AF_INET, host, &address->tcp.sin_addr) != 1)
			errx(2, "%s: no address", text);
		return sizeof(address->tcp);
	}
	if (sscanf(text, "vsock:%63[^:]:%u", host, &port) != 2)
		errx(2, "%s: neither tcp:HOST:PORT nor vsock:CID:PORT", text);
	address->vsock.svm_family = AF_VSOCK;
	address->vsock.svm_cid =
		strcmp(host, "any") == 0 ? VMADDR_CID_ANY : (unsigned int)strtoul(host, NULL, 10);
	address->vsock.svm_port = port;
	return sizeof(address->vsock);
}

static int stream_listen(const char *text, const union stream_address *address, socklen_t size)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM, 0), on = 1, client;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, &address->any, size) != 0 || listen(fd, 1) != 0)
		err(1, "%s", text);
	client = accept(fd, NULL, NULL);
	if (client < 0)
		err(1, "%s", text);
	close(fd);
	return client;
}

/* For a minute, until somebody listens there. */
static int stream_connect(const char *text, const union stream_address *address, socklen_t size)
{
	for (int i = 0; i < STREAM_TRIES; i++) {
		int fd = socket(address->any.sa_family, SOCK_STREAM, 0);

		if (fd < 0)
			err(1, "%s", text);
		if (connect(fd, &address->any, size) == 0)
			return fd;
		close(fd);
		usleep(STREAM_PAUSE_US);
	}
	err(1, "%s", text);
}

/* What is left of the file, as much as the connection takes; false at its end. */
static bool stream_send(int fd, int file)
{
	static char bytes[1 << 16];
	static ssize_t count, done;
	ssize_t part;

	if (done == count) {
		count = read(file, bytes, sizeof(bytes));
		done = 0;
	}
	if (count <= 0)
		return false;
	part = send(fd, bytes + done, (size_t)(count - done), MSG_DONTWAIT);
	if (part < 0 && errno != EAGAIN)
		err(1, "sending");
	done += part > 0 ? part : 0;
	return true;
}

static bool stream_receive(int fd)
{
	static char bytes[1 << 16];
	ssize_t count = recv(fd, bytes, sizeof(bytes), 0);

	if (count < 0)
		err(1, "receiving");
	if (count > 0 && fwrite(bytes, (size_t)count, 1, stdout) != 1)
		err(1, "standard output");
	return count > 0;
}

/* Both ways at once, until both are at their end. */
static void stream_exchange(int fd, int file)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN | POLLOUT};

	while (poll_fd.events) {
		if (poll(&poll_fd, 1, -1) < 0)
			err(1, "poll");
		if (poll_fd.revents & (POLLIN | POLLHUP | POLLERR) && poll_fd.events & POLLIN &&
		    !stream_receive(fd))
			poll_fd.events &= ~POLLIN;
		if (poll_fd.revents & POLLOUT && poll_fd.events & POLLOUT &&
		    !stream_send(fd, file)) {
			shutdown(fd, SHUT_WR);
			poll_fd.events &= ~POLLOUT;
		}
	}
}

int stream_main(int argc, char **argv)
{
	union stream_address address;
	socklen_t size;
	bool listens;
	int fd, file;

	if (argc != 4)
		errx(2, "stream: listen|connect tcp:HOST:PORT|vsock:CID:PORT FILE");
	signal(SIGPIPE, SIG_IGN);
	listens = strcmp(argv[1], "listen") == 0;
	size = stream_parse(argv[2], &address);
	file = open(argv[3], O_RDONLY | O_CLOEXEC);
	if (file < 0)
		err(1, "%s", argv[3]);
	fd = listens ? stream_listen(argv[2], &address, size)
		     : stream_connect(argv[2], &address, size);
	stream_exchange(fd, file);
	return fflush(stdout) == 0 ? 0 : 1;
}
