/* SPDX-License-Identifier: BSD-3-Clause */
/* The gdb server: one debugger at a time, over TCP, a Unix socket or a pseudo-terminal. */

#ifndef FERRY_VMM_DEBUG_GDB_GDB_H
#define FERRY_VMM_DEBUG_GDB_GDB_H

#include <stdbool.h>

#include "vmm/base/err.h"
#include "vmm/base/loop.h"
#include "vmm/debug/gdb/target.h"

struct gdb;

/*
 * Checks the argument of --gdb: "pty", "unix:PATH", or "[HOST:]PORT" with an IPv4 address, an IPv6
 * one in brackets, or "localhost"; without HOST loopback; or "fd=N" of a socket that listens
 * already, which is the listener's from gdb_create() on. -EINVAL with @err saying what it takes.
 */
int gdb_check_address(const char *address, struct err *err) FERRY_MUST_CHECK;

/*
 * Listens at @address and serves on @loop, the main thread's. Says on standard error where it
 * listens, with the command to give gdb. The other arguments outlive it. NULL with @err set: an
 * address in use, one that is not this host's, a path that is no socket.
 */
struct gdb *gdb_create(const char *address, struct loop *loop, struct debug *target,
		       struct err *err);

/*
 * Closes, and removes the Unix socket's name. A debugger that is there is told nothing. NULL is
 * allowed.
 */
void gdb_destroy(struct gdb *gdb);

/* Whether a debugger is there. */
bool gdb_attached(const struct gdb *gdb);

/*
 * Somebody else has the guest halt: the debugger that is there is told as if it had asked for it,
 * though it steps through a range. Main thread.
 */
void gdb_halt(struct gdb *gdb);

/* The guest stands now, for this reason. Main thread. */
void gdb_stopped(struct gdb *gdb, const struct gdb_stop *stop);

/*
 * The guest is no more: its exit status, or @signal (gdb's number) when it is not 0. Main thread.
 */
void gdb_exited(struct gdb *gdb, int status, int signal);

#endif
