/* SPDX-License-Identifier: BSD-3-Clause */
/* The vCPU threads: start, work to do in each, run, park, stop; and the loop that handles exits. */

#ifndef FERRY_VMM_MACHINE_RUN_H
#define FERRY_VMM_MACHINE_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "arch/arch.h"
#include "arch/debug.h"
#include "memory/map.h"
#include "vmm/base/err.h"
#include "vmm/kvm/coalesced.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"
#include "vmm/machine/exit.h"

struct run;

/*
 * How a vCPU that cannot go on tells the machine, from its own thread, no lock held. @crashed: the
 * guest's doing (triple fault); otherwise KVM or the host failed. @report: one sentence, then the
 * registers, a line each. The vCPU waits parked; the machine decides.
 */
typedef void (*run_failed)(void *machine, bool crashed, const char *report);

/*
 * How a vCPU that met what its debugger asked for tells the machine, from its own thread, no lock
 * held. run_take_debug() has what it was. The callback has the vCPUs parked, as by run_halt().
 */
typedef void (*run_debugged)(void *machine);

struct run_setup {
	struct kvm_vm *vm;
	struct arch_vm *arch;
	struct mem_map *mmio;
	struct kvm_coalesced *coalesced; /* carried out before each exit; NULL: there is none */
	unsigned int cpus;
	const unsigned int *pins; /* host processor of each, or NULL */
	/*
	 * For kvm_origin_get(): where the guest was at the exit in the run page; false where that
	 * is not told. NULL: nobody asks.
	 */
	bool (*pc)(struct kvm_vcpu *vcpu, uint64_t *pc);
	run_failed failed;
	run_debugged debugged;
	void *machine;
};

/* Creates the vCPUs, which have no threads yet. NULL with @err set. */
struct run *run_create(const struct run_setup *setup, struct err *err);

/* Starts one thread a vCPU, and leaves all parked. Main thread, once. */
int run_start(struct run *run, struct err *err) FERRY_MUST_CHECK;

/* Stops and joins every thread, from any state, and destroys the vCPUs. NULL is allowed. */
void run_destroy(struct run *run);

/*
 * Has every vCPU's own thread call @job, all at once, and waits. All must be parked. The first
 * error (by index) is returned with its @err. Before run_start() the caller's thread does it.
 */
typedef int (*run_job)(void *owner, struct kvm_vcpu *vcpu, struct err *err);
int run_call(struct run *run, run_job job, void *owner, struct err *err) FERRY_MUST_CHECK;

/* Lets the vCPUs run. Main thread. */
void run_resume(struct run *run);

/*
 * Parks every vCPU and waits until all are: each has left the guest and retired its finished exits;
 * one whose access was answered MEM_NOT_YET keeps it for later. Main thread, holding no lock.
 */
void run_park(struct run *run);

/*
 * Has every vCPU park as soon as it can, without waiting: one that calls it from a handler executes
 * nothing more. run_park() or run_destroy() follows. Any thread, any lock.
 */
void run_halt(struct run *run);

/*
 * run_halt() of a guest that is to be reset: an exit that comes behind what had it reset, and which
 * KVM kept (`coalesced`), is not carried out. Until run_discard().
 */
void run_abandon(struct run *run);

/* Before a reset: exits kept for later are retired unseen. All parked. */
void run_discard(struct run *run);

unsigned int run_count(const struct run *run);

/* The kernel's number of vCPU @index's thread. */
pid_t run_thread_id(const struct run *run, unsigned int index);

/* The vCPU, for its registers: main thread, all parked. */
struct kvm_vcpu *run_vcpu(const struct run *run, unsigned int index);

/*
 * Whether nothing of its last exit is unfinished, so that its registers may be changed: it is not
 * when an access of it waits for MEM_NOT_YET, or it failed. Main thread, all parked.
 */
bool run_is_settled(const struct run *run, unsigned int index);

/*
 * A vCPU that is held stays parked when the others go on. None is at first. Main thread, all
 * parked.
 */
void run_hold(struct run *run, unsigned int index, bool held);

/*
 * Takes what the vCPU last told by run_debugged; false when nothing is left. Main thread, all
 * parked.
 */
bool run_take_debug(struct run *run, unsigned int index, struct arch_debug_stop *stop);

/* Has accesses that were answered MEM_NOT_YET dispatched again. Any thread, any lock. */
void run_wake(struct run *run);

/* How often vCPU @index came back from KVM_RUN, by what for. Any thread; it may be running. */
void run_count_exits(const struct run *run, unsigned int index, uint64_t counts[EXIT_COUNTS]);

#endif
