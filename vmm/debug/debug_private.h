/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two halves of the debugger's side share: its state, and what stops and goes. */

#ifndef FERRY_VMM_DEBUG_DEBUG_PRIVATE_H
#define FERRY_VMM_DEBUG_DEBUG_PRIVATE_H

#include "arch/debug.h"
#include "vmm/debug/debug.h"
#include "vmm/debug/gdb/gdb.h"
#include "vmm/debug/points.h"

/* What a vCPU is doing for the debugger. */
struct debug_cpu {
	enum gdb_action action; /* of the last resume */
	bool stepping;          /* arch_debug_stepped() is still to come */
	bool told;              /* `stop` came and was not reported */
	struct arch_debug_stop stop;
};

struct debug {
	struct debug_setup setup;
	struct gdb *gdb;
	struct debug_points points;
	char limits[512];
	bool halt_asked;
	bool crashed;      /* it is only there to be looked at */
	bool crash_untold; /* the debugger looks at something else that was met before */
	bool late; /* the guest was told to go on, but what was met at the last stop comes first */
	unsigned int cpu_count;
	struct debug_cpu cpus[PLATFORM_CPUS_MAX];
};

static inline struct arch_vm *debug_arch(const struct debug *debug)
{
	return debug->setup.parts.arch;
}

static inline struct kvm_vcpu *debug_vcpu(const struct debug *debug, unsigned int cpu)
{
	return run_vcpu(debug->setup.parts.run, cpu);
}

/* What the server calls; see struct gdb_target_ops. */
extern const struct gdb_target_ops debug_target_ops;

/* Of those, what is about stopping and going. */
bool debug_stands(const struct debug *debug);
int debug_resume(struct debug *debug, const enum gdb_action *actions) FERRY_MUST_CHECK;
void debug_halt(struct debug *debug);
void debug_detach(struct debug *debug, bool go);

#endif
