/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds a TCP connection's other end in the kernel's tables of sockets (proc(5), /proc/net/tcp). */

#include "vmm/debug/gdb/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/base/held.h"
#include "vmm/base/owner.h"

enum { WORDS = 4, DIGITS = 32 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* An end as the tables have it: words as they lie in memory, in hexadecimal digits. */
struct end {
	char digits[DIGITS + 1];
	unsigned int port;
};

struct row {
	struct end local, remote;
	unsigned int uid;
	unsigned long inode; /* 0: no process has it any more, and its user is not told */
};

/* @mapped: as a socket of IPv6 has an address of IPv4. */
static struct end peer_end_of(const union address *address, bool mapped)
{
	uint32_t words[WORDS] = {0, 0, htonl(0xffff), address->v4.sin_addr.s_addr};
	bool v6 = address->any.sa_family == AF_INET6;
	struct end end = {.port = ntohs(v6 ? address->v6.sin6_port : address->v4.sin_port)};

	if (v6)
		memcpy(words, &address->v6.sin6_addr, sizeof(words));
	if (v6 || mapped)
		snprintf(end.digits, sizeof(end.digits), "%08X%08X%08X%08X", words[0], words[1],
			 words[2], words[3]);
	else
		snprintf(end.digits, sizeof(end.digits), "%08X", words[WORDS - 1]);
	return end;
}

static bool peer_is_end(const struct end *a, const struct end *b)
{
	return a->port == b->port && strcmp(a->digits, b->digits) == 0;
}

static bool peer_parse_row(const char *line, struct row *row)
{
	return sscanf(line,
		      " %*u: %32[0-9A-F]:%x %32[0-9A-F]:%x %*x %*x:%*x %*x:%*x %*x %u %*u %lu",
		      row->local.digits, &row->local.port, row->remote.digits, &row->remote.port,
		      &row->uid, &row->inode) == 6;
}

/* 0, -ENOENT when there is no such socket, or why the table cannot be read. */
static int peer_find_row(const char *table, const struct end *local, const struct end *remote,
			 struct row *row)
{
	FILE *file = held_fopen(table);
	int rc = -ENOENT;
	char *line = NULL;
	size_t room = 0;

	if (!file)
		return -errno;
	while (rc == -ENOENT && getline(&line, &room, file) > 0)
		if (peer_parse_row(line, row) && peer_is_end(&row->local, local) &&
		    peer_is_end(&row->remote, remote))
			rc = 0;
	free(line);
	(void)fclose(file);
	return rc;
}

static bool peer_is_loopback(const union address *address)
{
	if (address->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
	return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* The other end's row has the two addresses the other way round. */
static int peer_find(const union address *peer, const union address *own, struct row *row)
{
	struct end local = peer_end_of(peer, false), remote = peer_end_of(own, false);
	int rc = -ENOENT;

	if (peer->any.sa_family == AF_INET)
		rc = peer_find_row("/proc/net/tcp", &local, &remote, row);
	if (rc != -ENOENT)
		return rc;
	local = peer_end_of(peer, true);
	remote = peer_end_of(own, true);
	rc = peer_find_row("/proc/net/tcp6", &local, &remote, row);
	/* Without IPv6 there is no such table. */
	return rc == -ENOENT && !peer_is_loopback(peer) ? 0 : rc;
}

int gdb_peer_check(int fd)
{
	union address peer = {0}, own = {0};
	socklen_t peer_size = sizeof(peer), own_size = sizeof(own);
	/* What no table tells of is let in, as root is. */
	struct row row = {.inode = 1};
	int rc;

	if (getpeername(fd, &peer.any, &peer_size) || getsockname(fd, &own.any, &own_size))
		return -errno;
	rc = peer_find(&peer, &own, &row);
	if (rc)
		return rc == -ENOENT ? -ESRCH : rc;
	if (!row.inode)
		return -ESRCH;
	return owner_lets(row.uid) ? 0 : -EPERM;
}
