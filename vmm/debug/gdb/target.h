/* SPDX-License-Identifier: BSD-3-Clause */
/* What the gdb server asks of the machine it debugs: everything behind the protocol. */

#ifndef FERRY_VMM_DEBUG_GDB_TARGET_H
#define FERRY_VMM_DEBUG_GDB_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/base/err.h"

/* What a vCPU is told to do when the guest goes on. */
enum gdb_action { GDB_HOLD, GDB_CONTINUE, GDB_STEP };

/* By the number in the Z and z packets. */
enum gdb_point_kind {
	GDB_SOFTWARE_BREAK = 0,
	GDB_HARDWARE_BREAK = 1,
	GDB_WATCH_WRITE = 2,
	GDB_WATCH_READ = 3,
	GDB_WATCH_ACCESS = 4,
};

enum gdb_stop_reason {
	GDB_STOP_SIGNAL, /* halted, stepped, or crashed: the signal tells */
	GDB_STOP_SOFTWARE,
	GDB_STOP_HARDWARE,
	GDB_STOP_WATCH, /* `kind` and `address` tell which */
};

/* Why the guest stands. Signals are gdb's numbers: 0 none, 2 SIGINT, 5 SIGTRAP, 6 SIGABRT. */
struct gdb_stop {
	enum gdb_stop_reason reason;
	unsigned int cpu;
	int signal;
	enum gdb_point_kind kind;
	uint64_t address;
};

enum { GDB_REGISTER_MAX = 64 }; /* bytes of the widest register */

/* What is debugged: made by whoever links the server, who has all functions of this file. */
struct debug;

/*
 * On the main thread. Functions that return int: 0 or a negative errno. All but stands(), halt(),
 * detach(), kill(), and monitor() are called only while the guest stands; @cpu is below cpus(),
 * which stays the same.
 */
unsigned int gdb_target_cpus(const struct debug *debug);

/* A document of the target description by name, or NULL. */
const char *gdb_target_description(struct debug *debug, const char *annex);

/* As arch/debug.h has them: registers by number, bytes in the guest's order. */
unsigned int gdb_target_register_count(struct debug *debug);
unsigned int gdb_target_general_count(struct debug *debug);
size_t gdb_target_register_size(struct debug *debug, unsigned int number);
unsigned int gdb_target_pc_register(struct debug *debug);
int gdb_target_register_read(struct debug *debug, unsigned int cpu, unsigned int number,
			     uint8_t *bytes) FERRY_MUST_CHECK;
int gdb_target_register_write(struct debug *debug, unsigned int cpu, unsigned int number,
			      const uint8_t *bytes) FERRY_MUST_CHECK;

/*
 * Virtual memory as @cpu sees it, without the breakpoints in it. How many bytes were read, which is
 * fewer than @size where the next cannot be; -EFAULT when the first cannot.
 */
int gdb_target_memory_read(struct debug *debug, unsigned int cpu, uint64_t address, uint8_t *bytes,
			   size_t size) FERRY_MUST_CHECK;

/* All of them, or -EFAULT when one cannot be written (those before it may be). */
int gdb_target_memory_write(struct debug *debug, unsigned int cpu, uint64_t address,
			    const uint8_t *bytes, size_t size) FERRY_MUST_CHECK;

/*
 * -EOPNOTSUPP: there is no such kind here; -ENOSPC, -EINVAL, -EFAULT: not this one. Inserting one
 * that is there, or removing one that is not, is no error.
 */
int gdb_target_point_insert(struct debug *debug, unsigned int cpu, enum gdb_point_kind kind,
			    uint64_t address, uint64_t length) FERRY_MUST_CHECK;
int gdb_target_point_remove(struct debug *debug, enum gdb_point_kind kind, uint64_t address,
			    uint64_t length) FERRY_MUST_CHECK;

/*
 * Lets the guest go on; @actions has one for each vCPU, at least one is not GDB_HOLD. The server
 * hears of the next stop by gdb_stopped(), never before this returns; it may call this in there.
 * -EOPNOTSUPP: no single step on this host.
 */
int gdb_target_resume(struct debug *debug, const enum gdb_action *actions) FERRY_MUST_CHECK;

/* Has a running guest stop: gdb_stopped() follows, soon. One that stands: nothing. */
void gdb_target_halt(struct debug *debug);
bool gdb_target_stands(const struct debug *debug);

/*
 * The debugger is gone: all points are removed. @run: the guest goes on, and a halt that was asked
 * for is forgotten; else it stays as it is.
 */
void gdb_target_detach(struct debug *debug, bool run);

/* The guest is to end. The debugger is gone; there is no detach(). */
void gdb_target_kill(struct debug *debug);

/* What `monitor LINE` says, for vCPU @cpu. The guest stands or runs. */
void gdb_target_monitor(struct debug *debug, unsigned int cpu, const char *line, FILE *out);

/* Sentences on what this host cannot do, for the user; "" when it can do all. They stay. */
const char *gdb_target_limits(const struct debug *debug);

#endif
