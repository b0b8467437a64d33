/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine: owns memory, devices, processors and the loop, and decides how a run ends. */

#include "vmm/machine/machine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"
#include "vmm/base/trim.h"
#include "vmm/hostmem.h"
#include "vmm/machine/bootfiles.h"
#include "vmm/machine/machine_private.h"
#include "vmm/machine/virtio.h"
#include "vmm/sandbox/sandbox.h"

void machine_request(struct machine *machine, unsigned int requests)
{
	pthread_mutex_lock(&machine->lock);
	machine->requests |= requests;
	/* Whoever asked for its own end must not run on and ask for another. */
	if (machine->run && requests & REQUEST_RESET)
		run_abandon(machine->run);
	else if (machine->run && requests & (REQUEST_END | REQUEST_DEBUG))
		run_halt(machine->run);
	pthread_mutex_unlock(&machine->lock);
	fd_signal(machine->wake);
}

void machine_request_reset(struct machine *machine, enum control_reason reason)
{
	pthread_mutex_lock(&machine->lock);
	if (!(machine->requests & REQUEST_RESET))
		machine->reset_reason = reason;
	pthread_mutex_unlock(&machine->lock);
	machine_request(machine, REQUEST_RESET);
}

/* The first to decide says all of it: no other thread may come between status and signal. */
static void machine_decide(struct machine *machine, const struct outcome *outcome,
			   const char *report)
{
	pthread_mutex_lock(&machine->lock);
	if (!machine->outcome.decided) {
		machine->outcome = *outcome;
		machine->outcome.decided = true;
		if (report)
			machine->outcome.report = strdup(report);
	}
	pthread_mutex_unlock(&machine->lock);
	machine_request(machine, REQUEST_END);
}

void machine_end(struct machine *machine, enum control_reason reason, int status,
		 const struct err *err, const char *report)
{
	struct outcome outcome = {.reason = reason, .status = status};

	if (err)
		outcome.err = *err;
	machine_decide(machine, &outcome, report);
}

/* The run dies of @number, everything given back. */
static void machine_end_by_signal(struct machine *machine, int number)
{
	const struct outcome outcome = {
		.reason = CONTROL_HOST_SIGNAL,
		.status = STATUS_FAILED,
		.signal_number = number,
	};

	machine_decide(machine, &outcome, NULL);
}

void machine_power_down(struct machine *machine)
{
	arch_power_button(machine->arch);
	control_tell_power_down(machine->control);
}

/*
 * SIGTERM with a guest that may power off by itself: whether it got its chance. One that stands
 * cannot, and who asks a second time does not want to wait.
 */
static bool machine_ask_to_power_off(struct machine *machine)
{
	const struct itimerspec patience = {.it_value.tv_sec = machine->config->power_down_seconds};

	if (!machine->config->power_down_seconds || machine->paused || machine->asked ||
	    timerfd_settime(machine->patience, 0, &patience, NULL))
		return false;
	machine->asked = true;
	machine_power_down(machine);
	return true;
}

static void machine_lost_patience(void *owner, uint32_t events)
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

static void machine_signalled(void *owner, uint32_t events)
{
	struct machine *machine = owner;
	struct signalfd_siginfo info;

	(void)events;
	if (read(machine->signals, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCONT:
		console_start(machine->console);
		console_start(machine->hvc_console);
		machine_request(machine, REQUEST_RESUME);
		return;
	case SIGUSR1:
		machine_power_down(machine);
		return;
	case SIGTERM:
		if (machine_ask_to_power_off(machine))
			return;
	}
	machine_end_by_signal(machine, (int)info.ssi_signo);
}

static int machine_vcpu_reset(void *owner, struct kvm_vcpu *vcpu, struct err *err)
{
	struct machine *machine = owner;

	return arch_vcpu_reset(machine->arch, vcpu, err);
}

int machine_boot(struct machine *machine, struct err *err)
{
	int rc = arch_boot(machine->arch, &machine->boot, err);

	return rc ? rc : run_call(machine->run, machine_vcpu_reset, machine, err);
}

static void machine_enumerate(struct machine *machine)
{
	enumeration_begin(&machine->enumeration, machine->loop, machine->coalesced,
			  run_vcpu(machine->run, 0));
}

/*
 * Back to power-on with the same kernel: devices first, so that none writes into the new one; they
 * interrupt again last, since what they raise before the interrupt controllers' reset is lost.
 */
static int machine_reset(struct machine *machine, struct err *err)
{
	bool stood = machine->paused;
	enum control_reason reason;
	int rc;

	run_park(machine->run);
	/* Another vCPU that asked for the same before it was parked gets it now. */
	pthread_mutex_lock(&machine->lock);
	reason = machine->reset_reason;
	machine->requests &= ~(unsigned int)REQUEST_RESET;
	pthread_mutex_unlock(&machine->lock);
	run_discard(machine->run);
	kvm_coalesced_discard(machine->coalesced, run_vcpu(machine->run, 0));
	vfio_restart(machine->vfio);
	pci_host_reset(machine->host);
	rc = arch_vm_reset(machine->arch, err);
	if (!rc)
		rc = bootfiles_measure(&machine->boot, err);
	if (!rc)
		rc = machine_boot(machine, err);
	if (rc)
		return err_prefix(err, "reset");
	pci_host_start(machine->host);
	machine_enumerate(machine);
	control_tell_reset(machine->control, reason);
	machine->paused = true;
	if (machine->debug ? !debug_reset(machine->debug, stood) : !stood)
		machine_go(machine);
	return 0;
}

void machine_parked_for_debugger(struct machine *machine)
{
	bool stood = machine->paused;

	run_park(machine->run);
	machine->paused = true;
	/* Without a debugger KVM has no such exits; one that comes all the same is passed over. */
	if (machine->debug ? !debug_parked(machine->debug, stood) : !stood)
		machine_go(machine);
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
	if (!crashed || machine->shown || machine->quits || !debug_attached(machine->debug))
		return false;
	run_park(machine->run);
	machine->shown = true;
	machine->paused = true;
	control_tell_panic(machine->control, false);
	debug_crashed(machine->debug, stood);
	return true;
}

/*
 * What nobody pins is found when it is used. To look whether it will be takes time, and the guest
 * runs.
 */
static void machine_tell_memory(const struct config *config)
{
	struct hostmem host;

	if (config->page_size || config_pins_memory(config) || config->prealloc)
		return;
	hostmem_read("/proc", "/sys", &host);
	if (config->memory > host.available)
		log_warn("guest memory: %" PRIu64 " MiB are asked, %s has %" PRIu64
			 " available: the run may be killed once the guest uses more",
			 config->memory / MIB, host.whose, host.available / MIB);
}

void machine_tell_paused(struct machine *machine)
{
	if (machine->told_paused == machine->paused)
		return;
	machine->told_paused = machine->paused;
	vfio_stand(machine->vfio, machine->paused);
	virtio_stand(machine);
	if (machine->paused)
		control_tell_stop(machine->control);
	else
		control_tell_resume(machine->control);
}

static void machine_tell_end(struct machine *machine)
{
	enum control_reason reason;
	bool decided;

	pthread_mutex_lock(&machine->lock);
	decided = machine->outcome.decided;
	reason = machine->outcome.reason;
	pthread_mutex_unlock(&machine->lock);
	if (decided && reason == CONTROL_GUEST_PANIC && !machine->shown)
		control_tell_panic(machine->control, true);
	if (decided)
		control_tell_shutdown(machine->control, reason);
}

/* A guest that stands for a debugger is silent too; without --cmdline Linux has a console. */
static void machine_started(struct machine *machine)
{
	const struct config *config = machine->config;
	bool first = !machine->started;

	machine->started = true;
	if (first)
		machine_enumerate(machine);
	if (first && config->cmdline && config->serial != SERIAL_NONE && !config->hvc &&
	    !config->gdb && arch_boots_linux(machine->arch) &&
	    !silence_has_console(config->cmdline, arch_serial_name(), arch_serial_is_default()))
		silence_begin(&machine->silence, machine->loop, machine->console,
			      arch_serial_name());
	if (first)
		machine_tell_memory(config);
}

void machine_go(void *owner)
{
	struct machine *machine = owner;
	bool decided;

	/* Or the guest would take the pause for processors that hung. */
	for (unsigned int i = 0; i < run_count(machine->run); i++)
		arch_vcpu_resumed(run_vcpu(machine->run, i));
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
	if (decided) {
		machine_request(machine, REQUEST_END);
		return;
	}
	machine_started(machine);
	machine_tell_paused(machine);
}

int machine_resume(struct machine *machine, struct err *err)
{
	if (!machine->paused)
		return 0;
	if (debug_attached(machine->debug))
		return err_set(
			err, -EBUSY,
			"the guest stands for gdb, which alone can have it go on: see `continue` there");
	machine_go(machine);
	return 0;
}

/* The main thread's turn after other threads asked for something. */
static void machine_woken(void *owner, uint32_t events)
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
	if (sandbox_refused(&err) && !(requests & REQUEST_END))
		machine_end(machine, CONTROL_HOST_ERROR, STATUS_FAILED, &err, NULL);
	/* Also of a guest that is looked at by a debugger from here on. */
	if (requests & REQUEST_SLOTS)
		vfio_slots_changed(machine->vfio);
	if (requests & REQUEST_END) {
		if (!machine_show_crash(machine)) {
			machine_tell_end(machine);
			loop_stop(machine->loop);
		}
		machine_tell_paused(machine);
		return;
	}
	if (requests & REQUEST_MAPPED) {
		run_wake(machine->run);
		vfio_join_mapper(machine->vfio);
		trim_memory();
	}
	/* By SIGCONT or the console's key. */
	if (requests & REQUEST_RESUME && machine_resume(machine, &err))
		log_warn("%s", err.text);
	if (requests & REQUEST_RESET && machine_reset(machine, &err))
		machine_end(machine, CONTROL_HOST_ERROR, STATUS_FAILED, &err, NULL);
	if (requests & REQUEST_DEBUG)
		machine_parked_for_debugger(machine);
	machine_tell_paused(machine);
}

static int machine_make_timer(void)
{
	return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
}

int machine_open_events(struct machine *machine, struct err *err)
{
	int rc;

	machine->wake = fd_eventfd();
	machine->patience = machine_make_timer();
	/* What is timed later, when none can be made any more. */
	machine->enumeration.spare = machine_make_timer();
	machine->silence.spare = machine_make_timer();
	if (machine->wake < 0 || machine->patience < 0 || machine->enumeration.spare <= 0 ||
	    machine->silence.spare <= 0)
		return err_set(err, -errno, "machine: no descriptor for events: %s",
			       err_text(errno));
	rc = loop_add(machine->loop, machine->patience, EPOLLIN, machine_lost_patience, machine,
		      err);
	if (!rc)
		rc = loop_add(machine->loop, machine->wake, EPOLLIN, machine_woken, machine, err);
	return rc ? err_prefix(err, "machine") : 0;
}

/*
 * While the machine is built those that end the run have their own effect, also where the parent
 * blocked them: that ends set-up whatever it waits for. Nothing of the guest's is in a device by
 * then, the terminal is as it was, and the kernel gives everything back. A press of the button
 * waits.
 */
static void machine_let_signals(void)
{
	sigset_t signals;

	thread_main_signals(&signals);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	sigdelset(&signals, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

/* What the parent had ignored stays so: nohup, and SIGINT for a shell's job in the background. */
static void machine_signals(sigset_t *signals)
{
	struct sigaction action;

	thread_main_signals(signals);
	for (int number = 1; number < SIGRTMIN; number++)
		if (sigismember(signals, number) == 1 && sigaction(number, NULL, &action) == 0 &&
		    action.sa_handler == SIG_IGN)
			sigdelset(signals, number);
}

int machine_watch_signals(struct machine *machine, struct err *err)
{
	sigset_t signals;

	machine_signals(&signals);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	machine->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (machine->signals < 0)
		return err_set(err, -errno, "machine: no descriptor for signals: %s",
			       err_text(errno));
	if (loop_add(machine->loop, machine->signals, EPOLLIN, machine_signalled, machine, err))
		return err_prefix(err, "signals");
	return 0;
}

struct machine *machine_alloc(const struct config *config, struct err *err)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	if (!machine) {
		err_set(err, -ENOMEM, "machine: out of memory");
		return NULL;
	}
	machine->config = config;
	machine->boot.kernel.fd = -1;
	machine->signals = -1;
	machine->wake = -1;
	machine->silence.timer = -1;
	machine->enumeration.timer = -1;
	machine->patience = -1;
	pthread_mutex_init(&machine->lock, NULL);
	machine_let_signals();
	machine->loop = loop_create(err);
	if (!machine->loop) {
		machine_destroy(machine);
		return NULL;
	}
	log_never_wait(machine->loop);
	return machine;
}

struct machine *machine_create(const struct config *config, struct err *err)
{
	struct machine *machine = machine_alloc(config, err);

	if (!machine)
		return NULL;
	if (bootfiles_open(&machine->boot, config, err) || machine_build(machine, err)) {
		struct err refused = {0};

		if (sandbox_refused(&refused))
			*err = refused;
		machine_destroy(machine);
		return NULL;
	}
	return machine;
}

int machine_run(struct machine *machine, int *signal_number, struct err *err)
{
	struct outcome *outcome = &machine->outcome;

	console_start(machine->console);
	console_start(machine->hvc_console);
	machine->paused = machine->config->paused;
	vfio_stand(machine->vfio, machine->paused);
	virtio_stand(machine);
	if (!machine->paused) {
		run_resume(machine->run);
		machine_started(machine);
	}
	trim_memory();
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

static void machine_close_spare(int *timer)
{
	if (*timer > 0)
		fd_close(timer);
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
	control_close(machine->control);
	debug_destroy(machine->debug);
	enumeration_end(&machine->enumeration);
	run_destroy(run);
	kvm_coalesced_destroy(machine->coalesced);
	vfio_stop(machine->vfio);
	pci_host_destroy(machine->host);
	vfio_destroy(machine->vfio);
	arch_vm_destroy(machine->arch);
	if (machine->vm)
		kvm_vm_unlisten(machine->vm);
	ram_destroy(machine->ram);
	mem_map_destroy(machine->pio);
	mem_map_destroy(machine->mmio);
	kvm_vm_destroy(machine->vm);
	virtio_end_services(machine);
	silence_end(&machine->silence);
	machine_close_spare(&machine->silence.spare);
	machine_close_spare(&machine->enumeration.spare);
	console_destroy(machine->hvc_console);
	console_destroy(machine->console);
	loop_remove(machine->loop, machine->signals);
	loop_remove(machine->loop, machine->wake);
	loop_remove(machine->loop, machine->patience);
	fd_close(&machine->patience);
	fd_close(&machine->wake);
	fd_close(&machine->signals);
	thread_end_starter();
	log_never_wait(NULL);
	/* Who waits for the run's end finds its devices given back. */
	control_destroy(machine->control);
	loop_destroy(machine->loop);
	bootfiles_close(&machine->boot);
	pthread_mutex_destroy(&machine->lock);
	free(machine->outcome.report);
	free(machine);
}
