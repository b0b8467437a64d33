/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine: owns memory, devices, processors and the loop, and decides how a run ends. */

#include "vmm/machine/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/trim.h"
#include "vmm/machine/bootfiles.h"
#include "vmm/machine/machine_private.h"

static void machine_request(struct machine *machine, unsigned int requests)
{
	pthread_mutex_lock(&machine->lock);
	machine->requests |= requests;
	/* Whoever asked for its own end must not run on and ask for another. */
	if (machine->run && requests & (REQUEST_END | REQUEST_RESET | REQUEST_DEBUG))
		run_halt(machine->run);
	pthread_mutex_unlock(&machine->lock);
	fd_signal(machine->wake);
}

/* Decides the outcome unless it is decided; @err and @report are copied and may be NULL. */
static void machine_end(struct machine *machine, int status, const struct err *err,
			const char *report)
{
	pthread_mutex_lock(&machine->lock);
	if (!machine->outcome.decided) {
		machine->outcome.decided = true;
		machine->outcome.status = status;
		if (err)
			machine->outcome.err = *err;
		if (report)
			machine->outcome.report = strdup(report);
	}
	pthread_mutex_unlock(&machine->lock);
	machine_request(machine, REQUEST_END);
}

static void machine_reboot(struct machine *machine)
{
	if (machine->config->exit_on_reboot)
		machine_end(machine, STATUS_POWERED_OFF, NULL, NULL);
	else
		machine_request(machine, REQUEST_RESET);
}

/* The devices' way to say how it goes on; see devices/device.h. */
void machine_event(void *owner, enum machine_event event, uint32_t argument)
{
	struct machine *machine = owner;
	struct err err = {0};

	switch (event) {
	case MACHINE_POWER_OFF:
		machine_end(machine, STATUS_POWERED_OFF, NULL, NULL);
		break;
	case MACHINE_RESET:
		machine_reboot(machine);
		break;
	case MACHINE_PANICKED:
		err_set(&err, -EFAULT, "the guest's kernel panicked");
		machine_end(machine, STATUS_CRASHED, &err, NULL);
		break;
	case MACHINE_DEBUG_EXIT:
		machine_end(machine, (int)argument, NULL, NULL);
		break;
	}
}

void machine_vcpu_failed(void *owner, bool crashed, const char *report)
{
	struct err err = {0};

	err_set(&err, -EFAULT, crashed ? "the guest crashed" : "the guest cannot go on");
	machine_end(owner, crashed ? STATUS_CRASHED : STATUS_FAILED, &err, report);
}

void machine_vcpu_debugged(void *owner)
{
	machine_request(owner, REQUEST_DEBUG);
}

void machine_ram_mapped(void *owner, const struct err *err)
{
	struct machine *machine = owner;

	if (err)
		machine_end(machine, STATUS_FAILED, err, NULL);
	else
		machine_request(machine, REQUEST_MAPPED);
}

size_t machine_console_input(void *owner, const uint8_t *bytes, size_t count)
{
	struct machine *machine = owner;

	return arch_console_input(machine->arch, bytes, count);
}

void machine_console_request(void *owner, enum console_request request)
{
	struct machine *machine = owner;

	switch (request) {
	case CONSOLE_QUIT:
		machine_end(machine, STATUS_POWERED_OFF, NULL, NULL);
		break;
	case CONSOLE_POWER_BUTTON:
		arch_power_button(machine->arch);
		break;
	case CONSOLE_RESET:
		machine_request(machine, REQUEST_RESET);
		break;
	case CONSOLE_CONTINUE:
		machine_request(machine, REQUEST_RESUME);
		break;
	}
}

/* Accesses that had to wait may go on. */
void machine_wake(void *owner)
{
	struct machine *machine = owner;

	if (machine->run)
		run_wake(machine->run);
}

/* The run dies of @number, everything given back. */
static void machine_end_by_signal(struct machine *machine, int number)
{
	pthread_mutex_lock(&machine->lock);
	if (!machine->outcome.decided)
		machine->outcome.signal_number = number;
	pthread_mutex_unlock(&machine->lock);
	machine_end(machine, STATUS_FAILED, NULL, NULL);
}

/*
 * SIGTERM with a guest that may power off by itself: whether it got its chance. One that stands
 * cannot, and who asks a second time does not want to wait.
 */
static bool machine_ask_to_power_off(struct machine *machine)
{
	struct itimerspec left = {0};

	if (!machine->config->power_down_seconds || machine->paused ||
	    timerfd_gettime(machine->patience, &left) || left.it_value.tv_sec ||
	    left.it_value.tv_nsec)
		return false;
	left.it_value.tv_sec = machine->config->power_down_seconds;
	if (timerfd_settime(machine->patience, 0, &left, NULL))
		return false;
	arch_power_button(machine->arch);
	return true;
}

void machine_lost_patience(void *owner, uint32_t events)
{
	struct machine *machine = owner;
	uint64_t times;

	(void)events;
	if (read(machine->patience, &times, sizeof(times)) != sizeof(times))
		return;
	log_warn("the guest has not powered off within %u s of SIGTERM: it is ended",
		 machine->config->power_down_seconds);
	machine_end_by_signal(machine, SIGTERM);
}

void machine_signalled(void *owner, uint32_t events)
{
	struct machine *machine = owner;
	struct signalfd_siginfo info;

	(void)events;
	if (read(machine->signals, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCONT:
		console_start(machine->console);
		machine_request(machine, REQUEST_RESUME);
		return;
	case SIGUSR1:
		arch_power_button(machine->arch);
		return;
	case SIGTERM:
		if (machine_ask_to_power_off(machine))
			return;
	}
	machine_end_by_signal(machine, (int)info.ssi_signo);
}

int machine_vcpu_reset(void *owner, struct kvm_vcpu *vcpu, struct err *err)
{
	struct machine *machine = owner;

	return arch_vcpu_reset(machine->arch, vcpu, err);
}

/*
 * Back to power-on with the same kernel: devices first, so that none writes into the new one; they
 * interrupt again last, since what they raise before the interrupt controllers' reset is lost.
 */
static int machine_reset(struct machine *machine, struct err *err)
{
	bool stood = machine->paused;
	int rc;

	run_park(machine->run);
	/* Another vCPU that asked for the same before it was parked gets it now. */
	pthread_mutex_lock(&machine->lock);
	machine->requests &= ~(unsigned int)REQUEST_RESET;
	pthread_mutex_unlock(&machine->lock);
	run_discard(machine->run);
	pci_host_reset(machine->host);
	rc = arch_vm_reset(machine->arch, err);
	if (!rc)
		rc = bootfiles_measure(&machine->boot, err);
	if (!rc)
		rc = arch_boot(machine->arch, &machine->boot, err);
	if (!rc)
		rc = run_call(machine->run, machine_vcpu_reset, machine, err);
	if (rc)
		return err_prefix(err, "reset");
	pci_host_start(machine->host);
	machine->paused = true;
	if (machine->debug ? !debug_reset(machine->debug, stood) : !stood)
		machine_debug_go(machine);
	return 0;
}

static void machine_parked_for_debugger(struct machine *machine)
{
	bool stood = machine->paused;

	run_park(machine->run);
	machine->paused = true;
	/* Without a debugger KVM has no such exits; one that comes all the same is passed over. */
	if (machine->debug ? !debug_parked(machine->debug, stood) : !stood)
		machine_debug_go(machine);
}

/*
 * A crash, or a vCPU that KVM cannot run, is shown to a debugger that is there before it ends the
 * run.
 */
static bool machine_show_crash(struct machine *machine)
{
	bool stood = machine->paused, crashed;

	pthread_mutex_lock(&machine->lock);
	crashed = machine->outcome.decided &&
		  (machine->outcome.status == STATUS_CRASHED || machine->outcome.report);
	pthread_mutex_unlock(&machine->lock);
	if (!crashed || machine->shown || !debug_attached(machine->debug))
		return false;
	run_park(machine->run);
	machine->shown = true;
	machine->paused = true;
	debug_crashed(machine->debug, stood);
	return true;
}

void machine_debug_stop(void *owner)
{
	machine_request(owner, REQUEST_DEBUG);
}

/* A guest that stands for a debugger is silent too; without --cmdline Linux has a console. */
static void machine_started(struct machine *machine)
{
	const struct config *config = machine->config;
	bool first = !machine->started;

	machine->started = true;
	if (first && config->cmdline && config->serial != SERIAL_NONE && !config->gdb &&
	    arch_boots_linux(machine->arch) &&
	    !silence_has_console(config->cmdline, arch_serial_name(), arch_serial_is_default()))
		silence_begin(&machine->silence, machine->loop, machine->console,
			      arch_serial_name());
}

void machine_debug_go(void *owner)
{
	struct machine *machine = owner;
	bool decided;

	pthread_mutex_lock(&machine->lock);
	decided = machine->outcome.decided;
	if (!decided)
		machine->paused = false;
	/*
	 * A vCPU that asked for a reset before it was parked must not run on: the reset lets all
	 * go.
	 */
	if (!decided && !(machine->requests & REQUEST_RESET))
		run_resume(machine->run);
	pthread_mutex_unlock(&machine->lock);
	if (decided)
		machine_request(machine, REQUEST_END);
	else
		machine_started(machine);
}

bool machine_debug_stands(void *owner)
{
	const struct machine *machine = owner;

	return machine->paused;
}

void machine_debug_end(void *owner)
{
	struct machine *machine = owner;

	machine->shown = true;
	machine_end(machine, STATUS_POWERED_OFF, NULL, NULL);
}

/* By SIGCONT or the console's key. */
static void machine_resume(struct machine *machine)
{
	if (debug_attached(machine->debug))
		log_warn(
			"the guest stands for gdb, which alone can have it go on: see `continue` there");
	else
		machine_debug_go(machine);
}

/* The main thread's turn after other threads asked for something. */
void machine_woken(void *owner, uint32_t events)
{
	struct machine *machine = owner;
	struct err err = {0};
	unsigned int requests;

	(void)events;
	fd_take(machine->wake);
	pthread_mutex_lock(&machine->lock);
	requests = machine->requests;
	machine->requests = 0;
	pthread_mutex_unlock(&machine->lock);
	if (requests & REQUEST_END) {
		if (!machine_show_crash(machine))
			loop_stop(machine->loop);
		return;
	}
	if (requests & REQUEST_MAPPED)
		run_wake(machine->run);
	if (requests & REQUEST_RESUME && machine->paused)
		machine_resume(machine);
	if (requests & REQUEST_RESET && machine_reset(machine, &err))
		machine_end(machine, STATUS_FAILED, &err, NULL);
	if (requests & REQUEST_DEBUG)
		machine_parked_for_debugger(machine);
}

struct machine *machine_create(const struct config *config, struct err *err)
{
	struct machine *machine = machine_alloc(config, err);

	if (!machine)
		return NULL;
	if (bootfiles_open(&machine->boot, config, err) || machine_build(machine, err)) {
		machine_destroy(machine);
		return NULL;
	}
	return machine;
}

int machine_run(struct machine *machine, int *signal_number, struct err *err)
{
	struct outcome *outcome = &machine->outcome;

	console_start(machine->console);
	trim_memory();
	machine->paused = machine->config->paused;
	if (!machine->paused) {
		run_resume(machine->run);
		machine_started(machine);
	}
	if (loop_run(machine->loop, err))
		return STATUS_FAILED;
	run_park(machine->run);
	if (machine->debug)
		debug_ended(machine->debug, outcome->status, outcome->signal_number);
	if (outcome->report)
		log_say("%s", outcome->report);
	*signal_number = outcome->signal_number;
	*err = outcome->err;
	return outcome->status;
}

void machine_destroy(struct machine *machine)
{
	struct run *run;

	if (!machine)
		return;
	/* The mapper thread may still ask for something until vfio_destroy() has joined it. */
	pthread_mutex_lock(&machine->lock);
	run = machine->run;
	machine->run = NULL;
	pthread_mutex_unlock(&machine->lock);
	debug_destroy(machine->debug);
	run_destroy(run);
	pci_host_destroy(machine->host);
	vfio_destroy(machine->vfio);
	arch_vm_destroy(machine->arch);
	if (machine->vm)
		kvm_vm_unlisten(machine->vm);
	ram_destroy(machine->ram);
	mem_map_destroy(machine->pio);
	mem_map_destroy(machine->mmio);
	kvm_vm_destroy(machine->vm);
	silence_end(&machine->silence);
	console_destroy(machine->console);
	if (machine->signals >= 0)
		loop_remove(machine->loop, machine->signals);
	if (machine->wake >= 0)
		loop_remove(machine->loop, machine->wake);
	if (machine->patience >= 0)
		loop_remove(machine->loop, machine->patience);
	fd_close(&machine->patience);
	fd_close(&machine->wake);
	fd_close(&machine->signals);
	log_never_wait(NULL);
	loop_destroy(machine->loop);
	bootfiles_close(&machine->boot);
	pthread_mutex_destroy(&machine->lock);
	free(machine->outcome.report);
	free(machine);
}
