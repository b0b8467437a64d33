/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a debugger comes from: a socket that listens, or a pseudo-terminal that waits to be opened.
 */

#include "vmm/debug/gdb/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/base/activated.h"
#include "vmm/base/fd.h"
#include "vmm/base/held.h"
#include "vmm/debug/gdb/gdb.h"

enum { BACKLOG = 1 }; /* one debugger at a time */

/* A decimal number up to 65535; 0 lets the kernel choose. */
static bool listen_address_port_parse(const char *text, in_port_t *port)
{
	unsigned int number = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (unsigned int)(*text - '0');
		if (number > UINT16_MAX)
			return false;
	}
	*port = htons((in_port_t)number);
	return true;
}

static bool listen_address_host_parse(const char *host, in_port_t port, struct gdb_address *address)
{
	size_t length = strlen(host);
	char inner[INET6_ADDRSTRLEN];

	if (!*host || strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (*host != '[') {
		address->size = sizeof(address->v4);
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = port;
		return inet_pton(AF_INET, host, &address->v4.sin_addr) == 1;
	}
	if (host[length - 1] != ']' || length - 2 >= sizeof(inner))
		return false;
	memcpy(inner, host + 1, length - 2);
	inner[length - 2] = '\0';
	address->size = sizeof(address->v6);
	address->v6.sin6_family = AF_INET6;
	address->v6.sin6_port = port;
	return inet_pton(AF_INET6, inner, &address->v6.sin6_addr) == 1;
}

static bool listen_address_tcp_parse(const char *text, struct gdb_address *address)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2] = "";
	in_port_t port;

	address->kind = GDB_ADDRESS_TCP;
	if (!listen_address_port_parse(colon ? colon + 1 : text, &port))
		return false;
	if (colon) {
		size_t length = (size_t)(colon - text);

		if (length >= sizeof(host))
			return false;
		memcpy(host, text, length);
	}
	return listen_address_host_parse(host, port, address);
}

static int listen_address_unix_parse(const char *text, const char *path,
				     struct gdb_address *address, struct err *err)
{
	int rc = local_address(path, &address->local, err);

	if (rc) {
		err_prefix(err, "'%s'", text);
		return rc;
	}
	address->kind = GDB_ADDRESS_UNIX;
	address->size = sizeof(address->local);
	return 0;
}

/* Its kind is that of the socket, its name the one that it is bound to. */
static int listen_address_given_parse(const char *text, struct gdb_address *address,
				      struct err *err)
{
	int family, rc, fd = activated_parse(text);

	if (fd < 0)
		return err_set(err, -EINVAL, "'%s': it takes fd=N, an open descriptor", text);
	rc = activated_check_listener(fd, &family, err);
	if (rc)
		return err_prefix(err, "%s", text);
	address->size = sizeof(struct sockaddr_un);
	if (getsockname(fd, &address->any, &address->size))
		return err_set(err, -errno, "%s: its address: %s", text, err_text(errno));
	address->kind = family == AF_UNIX ? GDB_ADDRESS_UNIX : GDB_ADDRESS_TCP;
	address->given = fd;
	return 0;
}

static int listen_address_parse(const char *text, struct gdb_address *address, struct err *err)
{
	static const char prefix[] = "unix:";

	memset(address, 0, sizeof(*address));
	if (strcmp(text, "pty") == 0) {
		address->kind = GDB_ADDRESS_PTY;
		return 0;
	}
	if (strncmp(text, "fd=", 3) == 0)
		return listen_address_given_parse(text, address, err);
	if (strncmp(text, prefix, strlen(prefix)) == 0)
		return listen_address_unix_parse(text, text + strlen(prefix), address, err);
	if (listen_address_tcp_parse(text, address))
		return 0;
	return err_set(err, -EINVAL,
		       "'%s': no place to listen at: give unix:PATH, [HOST:]PORT with an IPv4 "
		       "address, an IPv6 one in brackets or localhost, pty, or fd=N",
		       text);
}

int gdb_check_address(const char *address, struct err *err)
{
	struct gdb_address parsed;

	return listen_address_parse(address, &parsed, err);
}

/* A pseudo-terminal has its name once it is open. */
static void listen_address_text(const struct gdb_address *address, char text[GDB_ADDRESS_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "";

	if (address->kind == GDB_ADDRESS_UNIX && !address->local.sun_path[0]) {
		snprintf(text, GDB_ADDRESS_TEXT, "fd=%d", address->given);
	} else if (address->kind == GDB_ADDRESS_UNIX) {
		snprintf(text, GDB_ADDRESS_TEXT, "%s", address->local.sun_path);
	} else if (address->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host));
		snprintf(text, GDB_ADDRESS_TEXT, "%s:%u", host, ntohs(address->v4.sin_port));
	} else {
		inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
		snprintf(text, GDB_ADDRESS_TEXT, "[%s]:%u", host, ntohs(address->v6.sin6_port));
	}
}

static int listen_open_socket(const struct gdb_address *address)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Whoever can connect owns the guest, so the socket is its owner's alone. */
static int listen_bind_unix(struct gdb_listener *listener, struct err *err)
{
	const struct sockaddr_un *address = &listener->address.local;
	int rc = local_bind(listener->fd, address, BACKLOG, &listener->file, err);

	if (rc)
		err_prefix(err, "--gdb unix:%s", address->sun_path);
	return rc;
}

static int listen_bind_tcp(struct gdb_listener *listener, struct err *err)
{
	struct gdb_address *address = &listener->address;
	const int yes = 1;
	int rc;

	setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (address->any.sa_family == AF_INET6)
		setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
	if (bind(listener->fd, &address->any, address->size) == 0 &&
	    listen(listener->fd, BACKLOG) == 0 &&
	    getsockname(listener->fd, &address->any, &address->size) == 0)
		return 0;
	rc = errno;
	listen_address_text(address, listener->name);
	return err_set(err, -rc, "--gdb %s: cannot listen there: %s: give another %s",
		       listener->name, err_text(rc), rc == EADDRNOTAVAIL ? "address" : "port");
}

static int listen_socket(struct gdb_listener *listener, struct err *err)
{
	int rc;

	if (listener->address.given) {
		listener->fd = listener->address.given;
		listen_address_text(&listener->address, listener->name);
		return 0;
	}
	listener->fd = listen_open_socket(&listener->address);
	if (listener->fd < 0)
		return err_set(err, listener->fd, "--gdb: no socket: %s", err_text(listener->fd));
	rc = listener->address.kind == GDB_ADDRESS_UNIX ? listen_bind_unix(listener, err)
							: listen_bind_tcp(listener, err);
	if (rc)
		return rc;
	listen_address_text(&listener->address, listener->name);
	return 0;
}

static int listen_open_pty(struct gdb_listener *listener, struct err *err)
{
	if (pty_open(&listener->pty, err))
		return err_prefix(err, "--gdb pty");
	listener->fd = listener->pty.master;
	snprintf(listener->name, sizeof(listener->name), "%s", listener->pty.name);
	return 0;
}

int gdb_listener_open(struct gdb_listener *listener, const char *address, struct err *err)
{
	int rc;

	*listener = (struct gdb_listener){.fd = -1, .pty = {.master = -1, .named = -1, .peer = -1}};
	rc = listen_address_parse(address, &listener->address, err);
	if (rc)
		return rc;
	rc = listener->address.kind == GDB_ADDRESS_PTY ? listen_open_pty(listener, err)
						       : listen_socket(listener, err);
	if (!rc && listener->address.kind == GDB_ADDRESS_TCP) {
		listener->tables[0] = held_add(HELD_FILE, "/proc/net/tcp");
		listener->tables[1] = held_add(HELD_FILE, "/proc/net/tcp6");
	}
	if (rc)
		gdb_listener_close(listener);
	return rc;
}

bool gdb_listener_is_local(const struct gdb_listener *listener)
{
	const struct gdb_address *address = &listener->address;

	if (address->kind != GDB_ADDRESS_TCP)
		return true;
	if (address->any.sa_family == AF_INET)
		return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

void gdb_listener_close(struct gdb_listener *listener)
{
	local_unbind(&listener->file);
	held_remove(&listener->tables[0]);
	held_remove(&listener->tables[1]);
	if (listener->address.kind != GDB_ADDRESS_PTY)
		fd_close(&listener->fd);
	else
		pty_close(&listener->pty);
	listener->fd = -1;
}

/* A debugger whose machine vanished says no more, and would keep all others out. */
static void listen_notice_silence(int fd)
{
	const int yes = 1, idle = 30, interval = 10, probes = 3; /* seconds */

	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
}

int gdb_listener_accept(struct gdb_listener *listener)
{
	const int yes = 1;
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
		return -errno;
	if (fd < 0)
		return -EAGAIN;
	if (listener->address.kind == GDB_ADDRESS_TCP) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		listen_notice_silence(fd);
	}
	return fd;
}

int gdb_listener_hold(struct gdb_listener *listener, bool stale)
{
	int rc = pty_make_raw(&listener->pty);

	if (!rc && stale)
		tcflush(listener->pty.peer, TCIFLUSH);
	return rc;
}

void gdb_listener_let_go(struct gdb_listener *listener)
{
	fd_close(&listener->pty.peer);
}
