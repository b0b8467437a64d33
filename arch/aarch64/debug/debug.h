/* SPDX-License-Identifier: BSD-3-Clause */
/* What a machine keeps for its debugger. */

#ifndef FERRY_ARCH_AARCH64_DEBUG_DEBUG_H
#define FERRY_ARCH_AARCH64_DEBUG_DEBUG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/debug.h"
#include "arch/platform.h"

enum { DEBUG_SYSTEM_MAX = 80 }; /* named system registers */

/*
 * Written by the main thread with the vCPU parked, but for the syndrome: that is its own thread's.
 */
struct debug_vcpu {
	/*
	 * A step holds interrupts back that the guest lets in: where it began, as what, by which
	 * bits.
	 */
	bool masked;
	uint64_t step_pc;
	uint64_t step_pstate;
	uint64_t step_bits; /* of PSTATE, clear before */

	uint32_t syndrome; /* ESR_EL1's for the breakpoint instruction met last, or 0 */

	struct arch_debug_point points[ARCH_DEBUG_POINTS_MAX];
	size_t count;
};

struct arch_debug {
	bool asked;                       /* KVM, for the registers below */
	uint8_t system[DEBUG_SYSTEM_MAX]; /* those that the vCPUs have, by place in the table */
	unsigned int system_count;
	char *description; /* allocated when first asked for */
	struct debug_vcpu vcpus[PLATFORM_CPUS_MAX];
};

/* @arch's state, made when it is first asked for. NULL: out of memory. Main thread. */
struct arch_debug *debug_get(struct arch_vm *arch);

#endif
