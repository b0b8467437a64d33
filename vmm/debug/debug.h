/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The debugger's side of the machine: stops, steps, breakpoints, memory and registers for the gdb
 * server.
 */

#ifndef FERRY_VMM_DEBUG_DEBUG_H
#define FERRY_VMM_DEBUG_DEBUG_H

#include <stdbool.h>

#include "vmm/base/err.h"
#include "vmm/base/loop.h"
#include "vmm/debug/monitor.h"

struct debug;

/* What it asks of the machine, always on the main thread. */
struct debug_owner {
	/* Soon: park all vCPUs unless they are, and call debug_parked(). */
	void (*stop)(void *machine);
	/* vCPUs that are not held go on; a machine whose end is decided ends. */
	void (*go)(void *machine);
	bool (*stands)(void *machine);
	void (*end)(void *machine);
	void *machine;
};

struct debug_setup {
	const char *address; /* of --gdb */
	struct loop *loop;
	struct debug_owner owner;
	struct monitor parts; /* `points`, `cpu` and `stands` aside */
};

/*
 * Finds out what this host's KVM can do for a debugger, and listens. Every vCPU is parked and has
 * its features. What is given outlives it. NULL with @err set.
 */
struct debug *debug_create(const struct debug_setup *setup, struct err *err);

/* All vCPUs parked, or gone. NULL is allowed. */
void debug_destroy(struct debug *debug);

/* Whether a debugger is there. @debug may be NULL. */
bool debug_attached(const struct debug *debug);

/*
 * Somebody else has the guest stop: the debugger that is there is told as if it had asked for it.
 * Asks for debug_parked() by `stop`.
 */
void debug_halt(struct debug *debug);

/* As the debugger's `monitor LINE`, for vCPU @cpu, which exists. */
void debug_monitor(struct debug *debug, unsigned int cpu, const char *line, FILE *out);

/*
 * All vCPUs are parked because one of them told by run_debugged, or because `stop` was asked for.
 * @stood: the guest stood before, too. False: there is nothing for the debugger in it, and they are
 * to go on. True: it stands, unless the debugger has already let it go by `go`.
 */
bool debug_parked(struct debug *debug, bool stood);

/*
 * The guest was reset: breakpoints are put into its new memory where the code there is the old
 * one's, or taken over by the processor. All parked; as debug_parked().
 */
bool debug_reset(struct debug *debug, bool stood);

/*
 * The guest cannot go on and is shown as it is to the debugger that is there: now, or if it @stood
 * for something else, when the debugger has it go on. All parked.
 */
void debug_crashed(struct debug *debug, bool stood);

/*
 * The run is over, with this exit status, or by a signal (not 0; those that end a run have gdb's
 * numbers).
 */
void debug_ended(struct debug *debug, int status, int signal_number);

#endif
