/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine: owns memory, devices, processors and the loop, and decides how a run ends. */

#include "vmm/machine.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "arch/arch.h"
#include "devices/pci/pci.h"
#include "memory/map.h"
#include "memory/ram.h"
#include "vfio/vfio.h"
#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/loop.h"
#include "vmm/base/page.h"
#include "vmm/base/trim.h"
#include "vmm/bootfiles.h"
#include "vmm/console.h"
#include "vmm/kvm/vm.h"
#include "vmm/run.h"

/* What other threads want the main thread to do; several may come before it looks. */
enum request {
	REQUEST_END = 1 << 0, /* the outcome is decided */
	REQUEST_RESET = 1 << 1,
	REQUEST_MAPPED = 1 << 2, /* all RAM is mapped for DMA */
	REQUEST_RESUME = 1 << 3,
};

/* How a run ended; the first to be decided stays. */
struct outcome {
	bool decided;
	int status;
	int signal_number;
	struct err err;
	char *report; /* a failed vCPU's registers */
};

struct machine {
	const struct config *config;
	struct boot_source boot;
	struct loop *loop;
	struct console *console;
	struct vfio *vfio;
	struct kvm_vm *vm;
	struct platform platform;
	struct mem_map *mmio;
	struct mem_map *pio;
	struct ram *ram;
	struct arch_vm *arch;
	struct pci_host *host;
	struct run *run;
	int signals; /* signalfd */
	sigset_t old_mask;
	int wake;    /* eventfd: requests came in */
	bool paused; /* not started yet; main thread */

	pthread_mutex_t lock; /* requests, outcome, and `run` where other threads use it */
	unsigned int requests;
	struct outcome outcome;
};

static void machine_request(struct machine *machine, unsigned int requests)
{
	pthread_mutex_lock(&machine->lock);
	machine->requests |= requests;
	/* Whoever asked for its own end must not run on and ask for another. */
	if (machine->run && requests & (REQUEST_END | REQUEST_RESET))
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
static void machine_event(void *owner, enum machine_event event, uint32_t argument)
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

static void machine_vcpu_failed(void *owner, bool crashed, const char *report)
{
	struct err err = {0};

	err_set(&err, -EFAULT, crashed ? "the guest crashed" : "the guest cannot go on");
	machine_end(owner, crashed ? STATUS_CRASHED : STATUS_FAILED, &err, report);
}

static void machine_ram_mapped(void *owner, const struct err *err)
{
	struct machine *machine = owner;

	if (err)
		machine_end(machine, STATUS_FAILED, err, NULL);
	else
		machine_request(machine, REQUEST_MAPPED);
}

static size_t machine_console_input(void *owner, const uint8_t *bytes, size_t count)
{
	struct machine *machine = owner;

	return arch_console_input(machine->arch, bytes, count);
}

static void machine_console_request(void *owner, enum console_request request)
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
static void machine_wake(void *owner)
{
	struct machine *machine = owner;

	if (machine->run)
		run_wake(machine->run);
}

static void machine_signalled(void *owner, uint32_t events)
{
	struct machine *machine = owner;
	struct signalfd_siginfo info;

	(void)events;
	if (read(machine->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGCONT) {
		console_start(machine->console);
		machine_request(machine, REQUEST_RESUME);
		return;
	}
	pthread_mutex_lock(&machine->lock);
	if (!machine->outcome.decided)
		machine->outcome.signal_number = (int)info.ssi_signo;
	pthread_mutex_unlock(&machine->lock);
	machine_end(machine, STATUS_FAILED, NULL, NULL);
}

static int vcpu_reset_job(void *owner, struct kvm_vcpu *vcpu, struct err *err)
{
	struct machine *machine = owner;

	return arch_vcpu_reset(machine->arch, vcpu, err);
}

/* Back to power-on with the same kernel; devices first, so that none writes into the new one. */
static int machine_reset(struct machine *machine, struct err *err)
{
	int status;

	run_park(machine->run);
	/* Another vCPU that asked for the same before it was parked gets it now. */
	pthread_mutex_lock(&machine->lock);
	machine->requests &= ~(unsigned int)REQUEST_RESET;
	pthread_mutex_unlock(&machine->lock);
	run_discard(machine->run);
	pci_host_reset(machine->host);
	status = arch_vm_reset(machine->arch, err);
	if (!status)
		status = arch_boot(machine->arch, &machine->boot, err);
	if (!status)
		status = run_call(machine->run, vcpu_reset_job, machine, err);
	if (status)
		return err_prefix(err, "reset");
	if (!machine->paused)
		run_resume(machine->run);
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
	if (requests & REQUEST_END) {
		loop_stop(machine->loop);
		return;
	}
	if (requests & REQUEST_MAPPED)
		run_wake(machine->run);
	if (requests & REQUEST_RESUME && machine->paused) {
		machine->paused = false;
		run_resume(machine->run);
	}
	if (requests & REQUEST_RESET && machine_reset(machine, &err))
		machine_end(machine, STATUS_FAILED, &err, NULL);
}

/* Signals that end the run come through the loop, so that everything is given back first. */
static int machine_watch(struct machine *machine, struct err *err)
{
	sigset_t mask;
	int status;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCONT);
	pthread_sigmask(SIG_BLOCK, &mask, &machine->old_mask);
	machine->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	machine->wake = fd_eventfd();
	if (machine->signals < 0 || machine->wake < 0)
		return err_set(err, -errno, "machine: no descriptor for events: %s",
			       err_text(errno));
	status =
		loop_add(machine->loop, machine->signals, EPOLLIN, machine_signalled, machine, err);
	if (status)
		return status;
	return loop_add(machine->loop, machine->wake, EPOLLIN, machine_woken, machine, err);
}

static int machine_find_devices(struct machine *machine, struct err *err)
{
	const struct config *config = machine->config;
	int status;

	machine->vfio = vfio_create(NULL, err);
	if (!machine->vfio)
		return err->code;
	for (size_t i = 0; i < config->vfio_count; i++) {
		status = vfio_add(machine->vfio, &config->vfio[i], err);
		if (status)
			return status;
	}
	return vfio_check_memlock(machine->vfio, config->memory, err);
}

static int machine_lay_out(struct machine *machine, struct err *err)
{
	const struct config *config = machine->config;
	struct ram_range usable[VFIO_IOVA_RANGES_MAX];
	struct arch_layout_request request = {
		.cpus = config->cpus,
		.buses = 1,
		.ram_size = config->memory,
		.page_size = config->page_size ? config->page_size : host_page_size(),
		.physical_bits = arch_physical_bits(machine->vm),
		.serial = config->serial != SERIAL_NONE,
		.debug_exit = config->debug_exit,
	};

	request.usable_count = vfio_iova_ranges(machine->vfio, usable, ARRAY_SIZE(usable));
	request.usable = request.usable_count ? usable : NULL;
	vfio_window_sizes(machine->vfio, &request.mmio32_needed, &request.mmio64_needed);
	return arch_layout(&request, &machine->platform, err);
}

static int machine_build_memory(struct machine *machine, struct err *err)
{
	const struct config *config = machine->config;
	struct ram_config ram = {
		.page_size = config->page_size,
		.prealloc = config->prealloc,
		.place = {.pins = config->pins, .pin_count = config->pinned ? config->cpus : 0},
	};

	machine->mmio = mem_map_create("memory", 0, err);
	machine->pio = mem_map_create("ports", 0x10000, err);
	if (!machine->mmio || !machine->pio || kvm_vm_listen(machine->vm, machine->mmio, err))
		return err->code;
	machine->ram = ram_create(machine->mmio, machine->platform.ram, machine->platform.ram_count,
				  &ram, err);
	return machine->ram ? 0 : err->code;
}

static int machine_build_pci(struct machine *machine, struct err *err)
{
	const struct platform *platform = &machine->platform;
	struct pci_host_config config = {
		.mmio = machine->mmio,
		.pio = machine->pio,
		.ecam_base = platform->ecam.base,
		.buses = (unsigned int)(platform->ecam.size / MIB),
		.mmio32_base = platform->mmio32.base,
		.mmio32_size = platform->mmio32.size,
		.mmio64_base = platform->mmio64.base,
		.mmio64_size = platform->mmio64.size,
		.io_base = platform->io.base,
		.io_size = platform->io.size,
		.intx_gsi = platform->intx_gsi,
		.intx_count = platform->intx_count,
	};
	struct vfio_attach attach = {
		.vm = machine->vm,
		.mmio = machine->mmio,
		.irq = arch_vm_irq(machine->arch),
		.loop = machine->loop,
		.wake = machine_wake,
		.machine = machine,
	};
	int status;

	arch_pci_ports(machine->arch, &config);
	machine->host = pci_host_create(&config, err);
	if (!machine->host)
		return err->code;
	attach.host = machine->host;
	status = vfio_attach(machine->vfio, &attach, err);
	if (status)
		return status;
	return pci_host_assign(machine->host, err);
}

static int vcpu_init_job(void *owner, struct kvm_vcpu *vcpu, struct err *err)
{
	struct machine *machine = owner;

	return arch_vcpu_init(machine->arch, vcpu, err);
}

static int machine_build_vcpus(struct machine *machine, struct err *err)
{
	const struct config *config = machine->config;
	struct run_setup setup = {
		.vm = machine->vm,
		.arch = machine->arch,
		.mmio = machine->mmio,
		.cpus = config->cpus,
		.pins = config->pinned ? config->pins : NULL,
		.failed = machine_vcpu_failed,
		.machine = machine,
	};
	int status;

	machine->run = run_create(&setup, err);
	if (!machine->run)
		return err->code;
	status = run_call(machine->run, vcpu_init_job, machine, err);
	if (status)
		return status;
	return arch_irqchip_init(machine->arch, err);
}

static int machine_build_console(struct machine *machine, struct err *err)
{
	struct console_owner owner = {
		.input = machine_console_input,
		.request = machine_console_request,
		.wake = machine_wake,
		.machine = machine,
	};

	machine->console = console_create(machine->config, machine->loop, &owner, err);
	return machine->console ? 0 : err->code;
}

static int machine_build_platform(struct machine *machine, struct err *err)
{
	struct arch_setup setup = {
		.vm = machine->vm,
		.mmio = machine->mmio,
		.pio = machine->pio,
		.ram = machine->ram,
		.platform = &machine->platform,
		.sink = {.event = machine_event, .machine = machine},
		.console = console_port(machine->console),
	};

	machine->arch = arch_vm_create(&setup, err);
	if (!machine->arch)
		return err->code;
	return arch_devices_create(machine->arch, err);
}

/* Loads the guest and starts pinning its memory; the vCPUs need not wait for that. */
static int machine_boot(struct machine *machine, struct err *err)
{
	int status = arch_boot(machine->arch, &machine->boot, err);

	if (status)
		return status;
	status = run_call(machine->run, vcpu_reset_job, machine, err);
	if (status || !vfio_device_count(machine->vfio))
		return status;
	return vfio_map_ram(machine->vfio, machine->ram, machine_ram_mapped, machine, err);
}

/* The order is that of docs/architecture.md; machine_destroy() is its reverse, but that the vCPUs end first. */
static int machine_build(struct machine *machine, struct err *err)
{
	static int (*const steps[])(struct machine * machine, struct err * err) = {
		machine_watch,
		machine_build_console,
		machine_find_devices,
	};
	static int (*const after_kvm[])(struct machine * machine, struct err * err) = {
		machine_lay_out,     machine_build_memory, machine_build_platform,
		machine_build_vcpus, machine_build_pci,    machine_boot,
	};
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		status = steps[i](machine, err);
		if (status)
			return status;
	}
	machine->vm = kvm_vm_create(arch_vm_type_bits(), err);
	if (!machine->vm)
		return err->code;
	for (size_t i = 0; i < ARRAY_SIZE(after_kvm); i++) {
		status = after_kvm[i](machine, err);
		if (status)
			return status;
	}
	return 0;
}

static struct machine *machine_alloc(const struct config *config, struct err *err)
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
	pthread_mutex_init(&machine->lock, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &machine->old_mask);
	machine->loop = loop_create(err);
	if (!machine->loop) {
		machine_destroy(machine);
		return NULL;
	}
	return machine;
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
	if (!machine->paused)
		run_resume(machine->run);
	if (loop_run(machine->loop, err))
		return STATUS_FAILED;
	run_park(machine->run);
	if (outcome->report)
		fprintf(stderr, "ferry: %s\n", outcome->report);
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
	console_destroy(machine->console);
	if (machine->signals >= 0)
		loop_remove(machine->loop, machine->signals);
	if (machine->wake >= 0)
		loop_remove(machine->loop, machine->wake);
	fd_close(&machine->wake);
	fd_close(&machine->signals);
	loop_destroy(machine->loop);
	bootfiles_close(&machine->boot);
	pthread_sigmask(SIG_SETMASK, &machine->old_mask, NULL);
	pthread_mutex_destroy(&machine->lock);
	free(machine->outcome.report);
	free(machine);
}

int machine_dump_tables(const struct config *config, struct err *err)
{
	struct machine *machine = machine_alloc(config, err);
	int status;

	if (!machine)
		return err->code;
	status = machine_find_devices(machine, err);
	if (!status) {
		machine->vm = kvm_vm_create(arch_vm_type_bits(), err);
		status = machine->vm ? machine_lay_out(machine, err) : err->code;
	}
	if (!status && config->dump_acpi)
		status = arch_dump_acpi(&machine->platform, config->dump_acpi, err);
	if (!status && config->dump_fdt)
		status = arch_dump_fdt(machine->vm, &machine->platform, config->cmdline,
				       config->dump_fdt, err);
	machine_destroy(machine);
	return status;
}
