/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the gdb server is to listen, as the command line says it. */

#include "vmm/debug/gdb/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/debug/gdb/gdb.h"

/* A decimal number up to 65535; 0 lets the kernel choose. */
static bool address_port_parse(const char *text, in_port_t *port)
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

static bool address_host_parse(const char *host, in_port_t port, struct gdb_address *address)
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

static bool address_tcp_parse(const char *text, struct gdb_address *address)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2] = "";
	in_port_t port;

	address->kind = GDB_ADDRESS_TCP;
	if (!address_port_parse(colon ? colon + 1 : text, &port))
		return false;
	if (colon) {
		size_t length = (size_t)(colon - text);

		if (length >= sizeof(host))
			return false;
		memcpy(host, text, length);
	}
	return address_host_parse(host, port, address);
}

static int address_unix_parse(const char *text, const char *path, struct gdb_address *address,
			      struct err *err)
{
	size_t length = strlen(path);

	if (length == 0)
		return err_set(err, -EINVAL, "'%s': no path: give unix:PATH", text);
	if (length >= sizeof(address->local.sun_path))
		return err_set(
			err, -EINVAL,
			"'%s': the path is too long for a socket: give one of at most %zu bytes",
			text, sizeof(address->local.sun_path) - 1);
	address->kind = GDB_ADDRESS_UNIX;
	address->size = sizeof(address->local);
	address->local.sun_family = AF_UNIX;
	memcpy(address->local.sun_path, path, length + 1);
	return 0;
}

int gdb_address_parse(const char *text, struct gdb_address *address, struct err *err)
{
	static const char prefix[] = "unix:";

	memset(address, 0, sizeof(*address));
	if (strcmp(text, "pty") == 0) {
		address->kind = GDB_ADDRESS_PTY;
		return 0;
	}
	if (strncmp(text, prefix, strlen(prefix)) == 0)
		return address_unix_parse(text, text + strlen(prefix), address, err);
	if (address_tcp_parse(text, address))
		return 0;
	return err_set(err, -EINVAL,
		       "'%s': no place to listen at: give unix:PATH, [HOST:]PORT with an IPv4 "
		       "address, an IPv6 one in brackets or localhost, or pty",
		       text);
}

int gdb_check_address(const char *address, struct err *err)
{
	struct gdb_address parsed;

	return gdb_address_parse(address, &parsed, err);
}

bool gdb_address_is_local(const struct gdb_address *address)
{
	if (address->kind != GDB_ADDRESS_TCP)
		return true;
	if (address->any.sa_family == AF_INET)
		return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

void gdb_address_text(const struct gdb_address *address, char text[GDB_ADDRESS_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "";

	if (address->kind == GDB_ADDRESS_UNIX) {
		snprintf(text, GDB_ADDRESS_TEXT, "%s", address->local.sun_path);
	} else if (address->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host));
		snprintf(text, GDB_ADDRESS_TEXT, "%s:%u", host, ntohs(address->v4.sin_port));
	} else {
		inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
		snprintf(text, GDB_ADDRESS_TEXT, "[%s]:%u", host, ntohs(address->v6.sin6_port));
	}
}
