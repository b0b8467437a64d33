/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a debugger comes from: a socket that listens, or a pseudo-terminal that waits to be opened.
 */

#ifndef FERRY_VMM_DEBUG_GDB_LISTEN_H
#define FERRY_VMM_DEBUG_GDB_LISTEN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "vmm/base/err.h"
#include "vmm/base/local.h"
#include "vmm/base/pty.h"

enum gdb_address_kind { GDB_ADDRESS_TCP, GDB_ADDRESS_UNIX, GDB_ADDRESS_PTY };

struct gdb_address {
	enum gdb_address_kind kind;
	socklen_t size; /* bytes of the one that is meant; 0 for a pseudo-terminal */
	int given;      /* a socket that listens already; 0: none */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	};
};

enum { GDB_ADDRESS_TEXT = 128 };

struct gdb_listener {
	struct gdb_address address;  /* of a socket: as it is bound */
	int fd;                      /* the socket that listens, or the pseudo-terminal's master */
	struct pty pty;              /* held by us while no debugger is there */
	char name[GDB_ADDRESS_TEXT]; /* as gdb's `target remote` takes it */
	struct local_name file;      /* of a Unix socket */
	int tables[2];               /* held, to see whose client comes by TCP; 0: none */
};

/* @address as gdb_check_address() allows it. On failure there is nothing to close. */
int gdb_listener_open(struct gdb_listener *listener, const char *address,
		      struct err *err) FERRY_MUST_CHECK;

/* Whether only programs of this host can connect. */
bool gdb_listener_is_local(const struct gdb_listener *listener);

void gdb_listener_close(struct gdb_listener *listener);

/* A new connection, non-blocking; -EAGAIN: none, or it has gone again; else no more can be had. */
int gdb_listener_accept(struct gdb_listener *listener) FERRY_MUST_CHECK;

/*
 * The pseudo-terminal hangs up when the last who has it open closes it. Held here it does not; let
 * go it does when the debugger leaves. @stale: what the last debugger did not read is thrown away.
 */
int gdb_listener_hold(struct gdb_listener *listener, bool stale) FERRY_MUST_CHECK;
void gdb_listener_let_go(struct gdb_listener *listener);

#endif
