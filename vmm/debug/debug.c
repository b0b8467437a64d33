/* SPDX-License-Identifier: BSD-3-Clause */
/* The debugger's side of the machine: who stops why, who goes on, and what is unfinished. */

#include "vmm/debug/debug.h"

#include <errno.h>
#include <stdlib.h>

#include "arch/debug.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/base/text.h"
#include "vmm/debug/gdb/gdb.h"
#include "vmm/debug/gdb/target.h"
#include "vmm/debug/points.h"

enum { SIGNAL_INTERRUPT = 2, SIGNAL_TRAP = 5, SIGNAL_ABORT = 6 }; /* as gdb numbers them */

/* What a vCPU is doing for the debugger. */
struct debug_cpu {
	enum gdb_action action; /* of the last resume */
	bool stepping;          /* arch_debug_stepped() is still to come */
	bool told;              /* `stop` came and was not reported */
	struct arch_debug_stop stop;
};

/*
 * What debug_parked() is awaited for beside what vCPUs tell:
 *
 *     the guest runs:   NOTHING --- halt ----> A_HALT --- all are parked, or reset ----> NOTHING
 *     the guest stands: NOTHING --- resume --> REST ----- all are looked at again -----> NOTHING
 */
enum debug_awaited {
	DEBUG_NOTHING,
	DEBUG_A_HALT, /* the debugger has asked for it */
	DEBUG_REST,   /* it had the guest go on, but the rest of what was met last comes first */
};

/* A guest that crashed is only there to be looked at. */
enum debug_crash {
	DEBUG_NO_CRASH,
	DEBUG_CRASH_UNTOLD, /* the debugger looks at something else that was met before */
	DEBUG_CRASH_TOLD,
};

struct debug {
	struct debug_setup setup;
	struct gdb *gdb;
	struct debug_points points;
	char limits[512];
	enum debug_awaited awaited;
	enum debug_crash crash;
	unsigned int cpu_count;
	struct debug_cpu cpus[PLATFORM_CPUS_MAX];
};

static struct arch_vm *debug_arch(const struct debug *debug)
{
	return debug->setup.parts.arch;
}

static struct kvm_vcpu *debug_vcpu(const struct debug *debug, unsigned int cpu)
{
	return run_vcpu(debug->setup.parts.run, cpu);
}

/* --- what goes to the vCPUs --- */

/* Each vCPU learns what to stop for, and whether it is to go. */
static int debug_apply_actions(struct debug *debug, const enum gdb_action *actions)
{
	struct arch_debug_point list[ARCH_DEBUG_POINTS_MAX];
	struct arch_debug_control control = {
		.software = debug_points_any_software(&debug->points),
		.points = list,
		.count = debug_points_hardware(&debug->points, list),
	};

	for (unsigned int i = 0; i < debug->cpu_count; i++) {
		struct debug_cpu *cpu = &debug->cpus[i];
		int rc;

		control.step = actions[i] == GDB_STEP;
		rc = arch_debug_control(debug_arch(debug), debug_vcpu(debug, i), &control);
		if (rc)
			return rc;
		cpu->action = actions[i];
		cpu->stepping = control.step;
		run_hold(debug->setup.parts.run, i, actions[i] == GDB_HOLD);
	}
	return 0;
}

static int debug_apply_same_actions(struct debug *debug)
{
	enum gdb_action actions[PLATFORM_CPUS_MAX];

	for (unsigned int i = 0; i < debug->cpu_count; i++)
		actions[i] = debug->cpus[i].action;
	return debug_apply_actions(debug, actions);
}

/*
 * Whether the guest can go on as before. Where KVM refuses, it stands for the debugger; with none
 * there nobody would have it go on, and it has no breakpoints.
 */
static bool debug_can_go_on(struct debug *debug)
{
	int rc = debug_apply_same_actions(debug);

	if (!rc)
		return true;
	log_warn("gdb: %s: KVM_SET_GUEST_DEBUG: %s",
		 debug_attached(debug) ? "the guest cannot go on"
				       : "a vCPU does not learn what to stop for",
		 err_text(rc));
	return !debug_attached(debug);
}

/* No breakpoints, nothing held: the guest as it would be without a debugger. */
static void debug_let_all_go(struct debug *debug)
{
	static const enum gdb_action actions[PLATFORM_CPUS_MAX] = {
		[0 ... PLATFORM_CPUS_MAX - 1] = GDB_CONTINUE,
	};
	int rc;

	debug_points_clear(&debug->points);
	debug->awaited = DEBUG_NOTHING;
	for (unsigned int i = 0; i < debug->cpu_count; i++)
		debug->cpus[i].told = false;
	rc = debug_apply_actions(debug, actions);
	if (rc)
		log_warn("gdb: a vCPU keeps breakpoints: KVM_SET_GUEST_DEBUG: %s", err_text(rc));
}

/* --- why it stands --- */

/*
 * Whether what a vCPU met is for the debugger. A breakpoint instruction or a step of the guest's
 * own goes back to the guest; a breakpoint that was removed since is no more.
 */
static bool debug_is_for_debugger(struct debug *debug, unsigned int index)
{
	const struct debug_cpu *cpu = &debug->cpus[index];
	int rc;

	switch (cpu->stop.event) {
	case ARCH_DEBUG_STEPPED:
		if (cpu->action == GDB_STEP)
			return true;
		break;
	case ARCH_DEBUG_HARDWARE:
		return debug_points_break(&debug->points, cpu->stop.address);
	case ARCH_DEBUG_WATCH:
		return debug_points_watch(&debug->points, cpu->stop.address);
	case ARCH_DEBUG_SOFTWARE:
		if (debug_points_is_software(&debug->points, cpu->stop.address))
			return true;
		break;
	}
	rc = arch_debug_reinject(debug_arch(debug), debug_vcpu(debug, index));
	if (rc)
		log_warn("gdb: vCPU %u: its own breakpoint or step cannot be given to the guest: "
			 "%s",
			 index, err_text(rc));
	return false;
}

/* What the vCPUs told since they were last let go, without what is not for the debugger. */
static void debug_take_what_was_told(struct debug *debug)
{
	for (unsigned int i = 0; i < debug->cpu_count; i++) {
		struct debug_cpu *cpu = &debug->cpus[i];
		int rc = 0;

		if (cpu->stepping)
			rc = arch_debug_stepped(debug_arch(debug), debug_vcpu(debug, i));
		if (rc)
			log_warn("gdb: vCPU %u: its interrupt mask after a step: %s", i,
				 err_text(rc));
		cpu->stepping = false;
		if (run_take_debug(debug->setup.parts.run, i, &cpu->stop))
			cpu->told = debug_is_for_debugger(debug, i);
		else if (cpu->told)
			cpu->told = debug_points_watch(&debug->points, cpu->stop.address);
	}
}

static struct gdb_stop debug_stop_of(const struct debug *debug, unsigned int index)
{
	const struct arch_debug_stop *told = &debug->cpus[index].stop;
	struct gdb_stop stop = {.cpu = index, .signal = SIGNAL_TRAP, .address = told->address};
	const struct debug_point *point;

	switch (told->event) {
	case ARCH_DEBUG_STEPPED:
		stop.reason = GDB_STOP_SIGNAL;
		break;
	case ARCH_DEBUG_SOFTWARE:
	case ARCH_DEBUG_HARDWARE:
		/* The debugger does not know which of its breakpoints the processors took over. */
		point = debug_points_break(&debug->points, told->address);
		stop.reason = point && point->kind == GDB_HARDWARE_BREAK ? GDB_STOP_HARDWARE
									 : GDB_STOP_SOFTWARE;
		break;
	case ARCH_DEBUG_WATCH:
		point = debug_points_watch(&debug->points, told->address);
		stop.reason = GDB_STOP_WATCH;
		stop.kind = point ? point->kind : GDB_WATCH_ACCESS;
		break;
	}
	return stop;
}

/*
 * Tells of the first vCPU that met something. Of the others a watchpoint's is kept for later, as it
 * would not be met again; a breakpoint will be.
 */
static bool debug_report(struct debug *debug)
{
	unsigned int chosen = debug->cpu_count;
	struct gdb_stop stop;

	for (unsigned int i = 0; i < debug->cpu_count; i++) {
		struct debug_cpu *cpu = &debug->cpus[i];

		if (cpu->told && chosen == debug->cpu_count)
			chosen = i;
		else if (cpu->stop.event != ARCH_DEBUG_WATCH)
			cpu->told = false;
	}
	if (chosen == debug->cpu_count)
		return false;
	debug->cpus[chosen].told = false;
	stop = debug_stop_of(debug, chosen);
	gdb_stopped(debug->gdb, &stop);
	return true;
}

static void debug_tell_crash(struct debug *debug)
{
	struct gdb_stop stop = {.reason = GDB_STOP_SIGNAL, .signal = SIGNAL_ABORT};

	for (unsigned int i = 0; i < debug->cpu_count; i++) {
		if (!run_is_settled(debug->setup.parts.run, i))
			stop.cpu = i;
	}
	debug->crash = DEBUG_CRASH_TOLD;
	gdb_stopped(debug->gdb, &stop);
}

/* A vCPU that ran until now, for a stop that is no vCPU's. */
static unsigned int debug_running_cpu(const struct debug *debug)
{
	for (unsigned int i = 0; i < debug->cpu_count; i++) {
		if (debug->cpus[i].action != GDB_HOLD)
			return i;
	}
	return 0;
}

bool debug_parked(struct debug *debug, bool stood)
{
	struct gdb_stop halted = {
		.reason = GDB_STOP_SIGNAL,
		.cpu = debug_running_cpu(debug),
		.signal = SIGNAL_INTERRUPT,
	};
	bool asked = debug->awaited == DEBUG_A_HALT;

	/* Two vCPUs told of something at once, and this is the second's. */
	if (stood && debug->awaited != DEBUG_REST)
		return true;
	debug->awaited = DEBUG_NOTHING;
	debug_take_what_was_told(debug);
	if (debug_report(debug))
		return true;
	if (debug->crash == DEBUG_CRASH_UNTOLD) {
		debug_tell_crash(debug);
		return true;
	}
	if (!asked) {
		if (debug_can_go_on(debug))
			return false;
		halted.signal = SIGNAL_TRAP;
	}
	gdb_stopped(debug->gdb, &halted);
	return true;
}

bool debug_reset(struct debug *debug, bool stood)
{
	struct gdb_stop stop = {.reason = GDB_STOP_SIGNAL, .signal = SIGNAL_TRAP};
	bool stepped = false, waits = !stood || debug->awaited == DEBUG_REST;

	for (unsigned int i = 0; i < debug->cpu_count; i++) {
		struct debug_cpu *cpu = &debug->cpus[i];

		stepped = stepped || cpu->action == GDB_STEP;
		*cpu = (struct debug_cpu){.action = GDB_CONTINUE};
	}
	debug_points_reload(&debug->points);
	if (debug->awaited == DEBUG_REST)
		debug->awaited = DEBUG_NOTHING;
	if (!waits)
		return true;
	if (!stepped && debug_can_go_on(debug))
		return false;
	debug->awaited = DEBUG_NOTHING;
	gdb_stopped(debug->gdb, &stop);
	return true;
}

void debug_crashed(struct debug *debug, bool stood)
{
	bool waits = !stood || debug->awaited == DEBUG_REST;

	debug_take_what_was_told(debug);
	debug->awaited = DEBUG_NOTHING;
	debug->crash = DEBUG_CRASH_UNTOLD;
	if (waits)
		debug_tell_crash(debug);
}

void debug_ended(struct debug *debug, int status, int signal_number)
{
	gdb_exited(debug->gdb, status, signal_number);
}

bool debug_attached(const struct debug *debug)
{
	return debug && gdb_attached(debug->gdb);
}

/* --- what the debugger decides --- */

bool gdb_target_stands(const struct debug *debug)
{
	return debug->setup.owner.stands(debug->setup.owner.machine);
}

static void debug_let_machine_go(struct debug *debug)
{
	debug->setup.owner.go(debug->setup.owner.machine);
}

int gdb_target_resume(struct debug *debug, const enum gdb_action *actions)
{
	const struct debug_owner *owner = &debug->setup.owner;
	bool steps = false, rest = debug->crash == DEBUG_CRASH_UNTOLD;
	int rc;

	for (unsigned int i = 0; i < debug->cpu_count; i++)
		steps = steps || actions[i] == GDB_STEP;
	if (steps && !debug->points.support.step)
		return -EOPNOTSUPP;
	rc = debug_apply_actions(debug, actions);
	if (rc)
		return rc;
	for (unsigned int i = 0; i < debug->cpu_count; i++)
		rest = rest || (debug->cpus[i].told && actions[i] != GDB_HOLD);
	debug->awaited = rest ? DEBUG_REST : DEBUG_NOTHING;
	if (rest)
		owner->stop(owner->machine);
	else
		debug_let_machine_go(debug);
	return 0;
}

void gdb_target_detach(struct debug *debug, bool go)
{
	bool ran = !gdb_target_stands(debug);

	run_park(debug->setup.parts.run);
	debug_take_what_was_told(debug);
	debug_let_all_go(debug);
	if (ran || go || debug->crash != DEBUG_NO_CRASH)
		debug_let_machine_go(debug);
}

void gdb_target_halt(struct debug *debug)
{
	if (gdb_target_stands(debug))
		return;
	debug->awaited = DEBUG_A_HALT;
	debug->setup.owner.stop(debug->setup.owner.machine);
}

/* --- what it asks of the vCPUs and their memory --- */

unsigned int gdb_target_cpus(const struct debug *debug)
{
	return debug->cpu_count;
}

const char *gdb_target_description(struct debug *debug, const char *annex)
{
	return arch_debug_description(debug_arch(debug), annex);
}

unsigned int gdb_target_register_count(struct debug *debug)
{
	return arch_debug_register_count(debug_arch(debug));
}

unsigned int gdb_target_general_count(struct debug *debug)
{
	return arch_debug_general_count(debug_arch(debug));
}

size_t gdb_target_register_size(struct debug *debug, unsigned int number)
{
	return arch_debug_register_size(debug_arch(debug), number);
}

unsigned int gdb_target_pc_register(struct debug *debug)
{
	return arch_debug_pc_register(debug_arch(debug));
}

int gdb_target_register_read(struct debug *debug, unsigned int cpu, unsigned int number,
			     uint8_t *bytes)
{
	return arch_debug_register_read(debug_arch(debug), debug_vcpu(debug, cpu), number, bytes);
}

int gdb_target_register_write(struct debug *debug, unsigned int cpu, unsigned int number,
			      const uint8_t *bytes)
{
	/* What KVM still has to complete would land on the new registers. */
	if (!run_is_settled(debug->setup.parts.run, cpu))
		return -EBUSY;
	return arch_debug_register_write(debug_arch(debug), debug_vcpu(debug, cpu), number, bytes);
}

int gdb_target_memory_read(struct debug *debug, unsigned int cpu, uint64_t address, uint8_t *bytes,
			   size_t size)
{
	size_t done = debug_points_read_virtual(&debug->points, debug_vcpu(debug, cpu), address,
						bytes, size);

	return done || !size ? (int)done : -EFAULT;
}

int gdb_target_memory_write(struct debug *debug, unsigned int cpu, uint64_t address,
			    const uint8_t *bytes, size_t size)
{
	return debug_points_write_virtual(&debug->points, debug_vcpu(debug, cpu), address, bytes,
					  size);
}

int gdb_target_point_insert(struct debug *debug, unsigned int cpu, enum gdb_point_kind kind,
			    uint64_t address, uint64_t length)
{
	return debug_points_insert(&debug->points, debug_vcpu(debug, cpu), kind, address, length);
}

int gdb_target_point_remove(struct debug *debug, enum gdb_point_kind kind, uint64_t address,
			    uint64_t length)
{
	return debug_points_remove(&debug->points, kind, address, length);
}

void gdb_target_kill(struct debug *debug)
{
	debug->setup.owner.end(debug->setup.owner.machine);
}

void gdb_target_monitor(struct debug *debug, unsigned int cpu, const char *line, FILE *out)
{
	struct monitor monitor = debug->setup.parts;

	monitor.points = &debug->points;
	monitor.cpu = cpu;
	monitor.stands = gdb_target_stands(debug);
	monitor_command(&monitor, line, out);
}

void debug_monitor(struct debug *debug, unsigned int cpu, const char *line, FILE *out)
{
	gdb_target_monitor(debug, cpu, line, out);
}

void debug_halt(struct debug *debug)
{
	gdb_halt(debug->gdb);
}

const char *gdb_target_limits(const struct debug *debug)
{
	return debug->limits;
}

/* --- life --- */

/* One sentence, or nothing. */
static void debug_describe_limits(struct debug *debug)
{
	const struct arch_debug_support *support = &debug->points.support;
	const char *instead = support->breakpoints > 0
				      ? "breakpoints in memory (the processor's serve instead)"
				      : "breakpoints in memory";
	const struct {
		bool there;
		const char *name;
	} abilities[] = {
		{support->software_breakpoints, instead},
		{support->breakpoints > 0, "hardware breakpoints"},
		{support->watchpoints > 0, "watchpoints"},
		{support->step, "single steps"},
	};
	struct text text = {.next = debug->limits, .room = sizeof(debug->limits)};
	const char *join = "this host's KVM has no ";

	for (size_t i = 0; i < ARRAY_SIZE(abilities); i++) {
		if (abilities[i].there)
			continue;
		text_append(&text, "%s%s", join, abilities[i].name);
		join = ", no ";
	}
}

struct debug *debug_create(const struct debug_setup *setup, struct err *err)
{
	struct debug *debug = calloc(1, sizeof(*debug));
	int rc;

	if (!debug) {
		err_set(err, -ENOMEM, "gdb: out of memory");
		return NULL;
	}
	debug->setup = *setup;
	debug->cpu_count = run_count(setup->parts.run);
	for (unsigned int i = 0; i < debug->cpu_count; i++)
		debug->cpus[i].action = GDB_CONTINUE;
	debug->points.arch = setup->parts.arch;
	debug->points.ram = setup->parts.ram;
	rc = arch_debug_support(debug_arch(debug), debug_vcpu(debug, 0), &debug->points.support);
	if (rc == -EOPNOTSUPP)
		err_set(err, rc,
			"gdb: this architecture has no debugger's half yet: leave --gdb out");
	else if (rc)
		err_set(err, rc, "gdb: what KVM can do for a debugger is not to be found out: %s",
			err_text(rc));
	if (rc)
		goto fail;
	debug_describe_limits(debug);
	debug->gdb = gdb_create(setup->address, setup->loop, debug, err);
	if (!debug->gdb)
		goto fail;
	return debug;
fail:
	debug_destroy(debug);
	return NULL;
}

void debug_destroy(struct debug *debug)
{
	if (!debug)
		return;
	gdb_destroy(debug->gdb);
	free(debug);
}
