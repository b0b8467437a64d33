/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections of which it is not known yet whether a debugger is there: the first that speaks is
 * it.
 */

#ifndef FERRY_VMM_DEBUG_GDB_CALLER_H
#define FERRY_VMM_DEBUG_GDB_CALLER_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/base/loop.h"

struct gdb_callers;

/*
 * A whole packet has come: @fd is the owner's from here on, with the @size bytes read so far and
 * what the loop told of it. All others are gone.
 */
typedef void (*gdb_caller_spoke)(void *owner, int fd, const uint8_t *bytes, size_t size,
				 uint32_t events);

enum { GDB_CALLER_INPUT = 4096 }; /* most bytes that it has said then */

/* Main thread, all of these. NULL: out of memory. */
struct gdb_callers *gdb_callers_create(struct loop *loop, gdb_caller_spoke spoke, void *owner);
/* Closes all of them. NULL is allowed. */
void gdb_callers_destroy(struct gdb_callers *callers);

/*
 * Takes the connection @fd, non-blocking. It is closed when it says anything but gdb's protocol,
 * ends, or, still silent, is in the way of newer ones.
 */
void gdb_callers_add(struct gdb_callers *callers, int fd);

#endif
