/* SPDX-License-Identifier: BSD-3-Clause */
/* The conversation with one debugger after another: bytes in, bytes out, the target between. */

#ifndef FERRY_VMM_DEBUG_GDB_SESSION_H
#define FERRY_VMM_DEBUG_GDB_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/debug/gdb/target.h"

struct gdb_session;

/* Where its bytes go. Neither function calls the session. */
struct gdb_link {
	void (*send)(void *owner, const uint8_t *bytes, size_t size);
	/* The debugger has said that it goes: nothing is sent after this. */
	void (*part)(void *owner);
	void *owner;
};

/* All functions: main thread. The target outlives it. NULL with @err set: out of memory. */
struct gdb_session *gdb_session_create(struct debug *target, const struct gdb_link *link,
				       struct err *err);
/* Tells nobody. NULL is allowed. */
void gdb_session_destroy(struct gdb_session *session);

/* A debugger has come: the guest is halted. */
void gdb_session_begin(struct gdb_session *session);

/* It has gone without a word. Nothing, when gdb_link's part() was called or none was there. */
void gdb_session_end(struct gdb_session *session);

/* Between begin and end, or part(). */
bool gdb_session_active(const struct gdb_session *session);

/* Whether it takes bytes: not before the guest that it halted stands. */
bool gdb_session_ready(const struct gdb_session *session);

/* Takes one byte of what the debugger says, when it is ready. */
void gdb_session_take(struct gdb_session *session, uint8_t byte);

/* As gdb_halt(). */
void gdb_session_halt(struct gdb_session *session);

/* As gdb_stopped() and gdb_exited(); also without a debugger. */
void gdb_session_stopped(struct gdb_session *session, const struct gdb_stop *stop);
void gdb_session_exited(struct gdb_session *session, int status, int signal);

#endif
