/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a debugger comes from: a socket that listens, or a pseudo-terminal that waits to be opened.
 */

#ifndef FERRY_VMM_DEBUG_GDB_LISTEN_H
#define FERRY_VMM_DEBUG_GDB_LISTEN_H

#include <stdbool.h>
#include <sys/stat.h>

#include "vmm/base/err.h"
#include "vmm/debug/gdb/address.h"

struct gdb_listener {
	struct gdb_address address; /* of a socket: as it is bound */
	int fd;                     /* the socket that listens, or the pseudo-terminal itself */
	int peer; /* our own hold on the pseudo-terminal's other end while no debugger is there */
	char name[GDB_ADDRESS_TEXT]; /* for gdb's `target remote` */
	bool named;                  /* the Unix socket's name is ours to remove */
	dev_t device;
	ino_t inode; /* its file, to know it again */
};

/* On failure there is nothing to close. */
int gdb_listener_open(struct gdb_listener *listener, const struct gdb_address *address,
		      struct err *err) FERRY_MUST_CHECK;

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
