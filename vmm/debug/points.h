/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A debugger's breakpoints and watchpoints: those in the guest's memory, and those in its
 * processors.
 */

#ifndef FERRY_VMM_DEBUG_POINTS_H
#define FERRY_VMM_DEBUG_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/debug.h"
#include "memory/ram.h"
#include "vmm/debug/gdb/target.h"

enum { DEBUG_POINTS_MAX = 256, DEBUG_BREAK_MAX = 8 };

struct debug_point {
	enum gdb_point_kind kind;
	uint64_t address; /* virtual */
	uint64_t length;  /* as the debugger has it */
	/*
	 * The breakpoint instruction is in RAM, over `saved`. A software breakpoint without it is
	 * in the processors: its page is not mapped yet, or its code not there yet.
	 */
	bool written;
	uint64_t gpa;
	size_t size;
	uint8_t saved[DEBUG_BREAK_MAX];
};

/* Main thread, all vCPUs parked. */
struct debug_points {
	struct arch_vm *arch;
	struct ram *ram;
	struct arch_debug_support support;
	struct debug_point points[DEBUG_POINTS_MAX];
	size_t count;
};

/*
 * As gdb_target_point_insert(); addresses are those of @vcpu. A software breakpoint that cannot
 * be in memory takes one of the processors'.
 */
int debug_points_insert(struct debug_points *points, struct kvm_vcpu *vcpu,
			enum gdb_point_kind kind, uint64_t address,
			uint64_t length) FERRY_MUST_CHECK;
int debug_points_remove(struct debug_points *points, enum gdb_point_kind kind, uint64_t address,
			uint64_t length) FERRY_MUST_CHECK;

/* Removes all. */
void debug_points_clear(struct debug_points *points);

/*
 * The guest's memory was loaded anew: breakpoints are written again where the code under them is
 * the same, taken over by the processors where it is not; what they have no room for is left out,
 * with a warning.
 */
void debug_points_reload(struct debug_points *points);

/* Whether a breakpoint instruction at @address is the debugger's. */
bool debug_points_is_software(const struct debug_points *points, uint64_t address);

/* A breakpoint at @address, wherever it is, or NULL. */
const struct debug_point *debug_points_break(const struct debug_points *points, uint64_t address);

/* Whether any is in memory. */
bool debug_points_any_software(const struct debug_points *points);

/* What the processors have to watch; returns how many there are, at most ARCH_DEBUG_POINTS_MAX. */
size_t debug_points_hardware(const struct debug_points *points, struct arch_debug_point *list);

/* The watchpoint that covers @address, nearest below or at it, or NULL. */
const struct debug_point *debug_points_watch(const struct debug_points *points, uint64_t address);

/* Guest RAM without the breakpoints in it; -EFAULT as ram_read() and ram_write(). */
int debug_points_read(const struct debug_points *points, uint64_t gpa, uint8_t *bytes,
		      size_t size) FERRY_MUST_CHECK;
int debug_points_write(struct debug_points *points, uint64_t gpa, const uint8_t *bytes,
		       size_t size) FERRY_MUST_CHECK;

/* The same by addresses of @vcpu's: how many bytes were read, up to the first that cannot be. */
size_t debug_points_read_virtual(const struct debug_points *points, struct kvm_vcpu *vcpu,
				 uint64_t address, uint8_t *bytes, size_t size);

/* All of them, or -EFAULT when one cannot be written; those before it may be. */
int debug_points_write_virtual(struct debug_points *points, struct kvm_vcpu *vcpu, uint64_t address,
			       const uint8_t *bytes, size_t size) FERRY_MUST_CHECK;

#endif
