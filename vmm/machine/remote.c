/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients of the control socket have the machine do, beside a debugger perhaps. */

#include "vmm/machine/hotplug.h"
#include "vmm/machine/machine_private.h"

static enum control_status remote_status(void *owner)
{
	const struct machine *machine = owner;

	if (!machine->paused)
		return CONTROL_RUNNING;
	if (machine->shown)
		return CONTROL_PANICKED;
	if (debug_attached(machine->debug))
		return CONTROL_DEBUG;
	return machine->started ? CONTROL_PAUSED : CONTROL_PRELAUNCH;
}

/* A debugger that is there is told, as if it had asked for it, and alone can have it go on. */
static void remote_stop(void *owner)
{
	struct machine *machine = owner;

	if (machine->paused)
		return;
	if (debug_attached(machine->debug)) {
		debug_halt(machine->debug);
		machine_parked_for_debugger(machine);
	} else {
		run_park(machine->run);
		machine->paused = true;
	}
	machine_tell_paused(machine);
}

static int remote_go(void *owner, struct err *err)
{
	return machine_resume(owner, err);
}

static void remote_power_down(void *owner)
{
	machine_power_down(owner);
}

static void remote_reset(void *owner)
{
	machine_request_reset(owner, CONTROL_HOST_RESET);
}

/* A crash that gdb has not been shown yet does not hold it up. */
static void remote_quit(void *owner)
{
	struct machine *machine = owner;

	machine->quits = true;
	machine_end(machine, CONTROL_HOST_QUIT, STATUS_POWERED_OFF, NULL, NULL);
}

static void remote_monitor(void *owner, unsigned int cpu, const char *line, FILE *out)
{
	struct machine *machine = owner;
	struct monitor monitor = machine_parts(machine);

	monitor.cpu = cpu;
	monitor.stands = machine->paused;
	if (machine->debug)
		debug_monitor(machine->debug, cpu, line, out);
	else
		monitor_command(&monitor, line, out);
}

int machine_listen(struct machine *machine, struct err *err)
{
	static const struct control_ops ops = {
		.status = remote_status,
		.stop = remote_stop,
		.go = remote_go,
		.power_down = remote_power_down,
		.reset = remote_reset,
		.quit = remote_quit,
		.add = hotplug_add,
		.remove = hotplug_remove,
		.monitor = remote_monitor,
	};
	struct control_target target = {
		.ops = &ops,
		.machine = machine,
		.run = machine->run,
		.run_folder = "/run",
		.ram = machine->ram,
		.host = machine->host,
		.vfio = machine->vfio,
		.pins = machine->config->pinned ? machine->config->pins : NULL,
	};

	machine->told_paused = machine->config->paused;
	if (!machine->config->control)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &target.since);
	if (uname(&target.system))
		target.system.machine[0] = '\0';
	machine->control = control_create(machine->config->control, machine->loop, &target, err);
	return machine->control ? 0 : err->code;
}
