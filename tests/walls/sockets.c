/* SPDX-License-Identifier: BSD-3-Clause */
/* The network and other processes' sockets: made, joined, listened on, sent to. */

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "tests/walls/attempt.h"

static int sockets_make(int family, int type)
{
	return walls_result(syscall(SYS_socket, family, type | SOCK_CLOEXEC, 0));
}

static int sockets_make_tcp(struct scene *scene)
{
	(void)scene;
	return sockets_make(AF_INET, SOCK_STREAM);
}

static int sockets_make_tcp6(struct scene *scene)
{
	(void)scene;
	return sockets_make(AF_INET6, SOCK_STREAM);
}

static int sockets_make_unix(struct scene *scene)
{
	(void)scene;
	return sockets_make(AF_UNIX, SOCK_STREAM);
}

static int sockets_make_netlink(struct scene *scene)
{
	(void)scene;
	return sockets_make(AF_NETLINK, SOCK_RAW);
}

static int sockets_make_packet(struct scene *scene)
{
	(void)scene;
	return sockets_make(AF_PACKET, SOCK_RAW);
}

static int sockets_make_vsock(struct scene *scene)
{
	(void)scene;
	return sockets_make(AF_VSOCK, SOCK_STREAM);
}

static int sockets_pair(struct scene *scene)
{
	int ends[2];

	(void)scene;
	return walls_result(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends));
}

/* Somebody who listens on this machine, in `other`, and a socket that nobody has used yet. */
static int sockets_prepare(struct scene *scene, const void *address, socklen_t size)
{
	int family = ((const struct sockaddr *)address)->sa_family;

	scene->other = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	scene->held = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (scene->other < 0 || scene->held < 0 || bind(scene->other, address, size) ||
	    listen(scene->other, 8))
		return -errno;
	return 0;
}

static int sockets_prepare_tcp(struct scene *scene)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t size = sizeof(address);
	int rc = sockets_prepare(scene, &address, size);

	if (!rc && getsockname(scene->other, (struct sockaddr *)&address, &size))
		rc = -errno;
	memcpy(scene->page, &address, sizeof(address));
	return rc;
}

static int sockets_connect_tcp(struct scene *scene)
{
	return walls_result(
		syscall(SYS_connect, scene->held, scene->page, sizeof(struct sockaddr_in)));
}

static int sockets_bind_tcp(struct scene *scene)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return walls_result(syscall(SYS_bind, scene->held, &address, sizeof(address)));
}

static int sockets_listen(struct scene *scene)
{
	return walls_result(syscall(SYS_listen, scene->held, 1));
}

/* A name without a file, which is no longer than it is, or one of a file. */
static int sockets_prepare_unix(struct scene *scene)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "%s", scene->path);
	memcpy(scene->page, &address, sizeof(address));
	return sockets_prepare(scene, &address, sizeof(address) - 1);
}

static int sockets_connect_unix(struct scene *scene)
{
	return walls_result(
		syscall(SYS_connect, scene->held, scene->page, sizeof(struct sockaddr_un) - 1));
}

static int sockets_prepare_unix_name(struct scene *scene)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", scene->path);
	memcpy(scene->page, &address, sizeof(address));
	return sockets_prepare(scene, &address, sizeof(address));
}

static int sockets_connect_unix_name(struct scene *scene)
{
	return walls_result(
		syscall(SYS_connect, scene->held, scene->page, sizeof(struct sockaddr_un)));
}

static int sockets_prepare_datagrams(struct scene *scene)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(9),
	};

	memcpy(scene->page, &address, sizeof(address));
	scene->held = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return scene->held < 0 ? -errno : 0;
}

static int sockets_send_to(struct scene *scene)
{
	return walls_result(syscall(SYS_sendto, scene->held, "x", (size_t)1, 0, scene->page,
				    sizeof(struct sockaddr_in)));
}

/* From an address whose lower half is that of NULL, for which a connected socket's peer stands. */
static int sockets_prepare_datagrams_low(struct scene *scene)
{
	scene->page = scene_map_low();
	return scene->page ? sockets_prepare_datagrams(scene) : -ENOMEM;
}

static int sockets_send_many(struct scene *scene)
{
	struct iovec part = {scene->page, 1};
	struct mmsghdr message = {.msg_hdr = {
					  .msg_name = scene->page,
					  .msg_namelen = sizeof(struct sockaddr_in),
					  .msg_iov = &part,
					  .msg_iovlen = 1,
				  }};

	return walls_result(syscall(SYS_sendmmsg, scene->held, &message, 1U, 0U));
}

static int sockets_set_option(struct scene *scene)
{
	int yes = 1;

	return walls_result(
		syscall(SYS_setsockopt, scene->held, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)));
}

const struct attempt attempts_on_sockets[] = {
	{"socket-tcp", NULL, sockets_make_tcp, 0},
	{"socket-tcp6", NULL, sockets_make_tcp6, 0},
	{"socket-unix", NULL, sockets_make_unix, 0},
	{"socket-netlink", NULL, sockets_make_netlink, 0},
	{"socket-packet", NULL, sockets_make_packet, 0},
	{"socket-vsock", NULL, sockets_make_vsock, 0},
	{"socketpair", NULL, sockets_pair, 0},
	{"connect-tcp", sockets_prepare_tcp, sockets_connect_tcp, 0},
	{"connect-unix", sockets_prepare_unix, sockets_connect_unix, 0},
	{"connect-unix-name", sockets_prepare_unix_name, sockets_connect_unix_name, BY_VHOST},
	{"bind-tcp", sockets_prepare_tcp, sockets_bind_tcp, 0},
	{"listen", sockets_prepare_tcp, sockets_listen, 0},
	{"send-to", sockets_prepare_datagrams, sockets_send_to, 0},
	{"send-to-upper-half", sockets_prepare_datagrams_low, sockets_send_to, 0},
	{"send-many", sockets_prepare_datagrams, sockets_send_many, 0},
	{"set-socket-option", sockets_prepare_datagrams, sockets_set_option, 0},
	{NULL, NULL, NULL, 0},
};
