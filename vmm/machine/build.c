/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine's construction, step by step: its parts and what they tell it. And the tables that
 * can be had without running it.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "memory/ram_file.h"
#include "vmm/base/bits.h"
#include "vmm/base/log.h"
#include "vmm/base/page.h"
#include "vmm/hostmem.h"
#include "vmm/machine/hotplug.h"
#include "vmm/machine/machine_private.h"
#include "vmm/machine/virtio.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/virtualization.h"

static int build_find_devices(struct machine *machine, struct err *err)
{
	const struct config *config = machine->config;
	struct vfio_settings settings = {
		.iommufd = config->iommufd,
		.sealed = config->sandbox == SANDBOX_ON,
		.container = config->container,
		.group_count = config->group_count,
		.slots = config->slots,
		.slot_memory = config->slot_memory,
		.slot_prefetch = config->slot_prefetch,
	};
	int rc;

	memcpy(settings.groups, config->groups, sizeof(settings.groups));
	machine->vfio = vfio_create(&settings, err);
	if (!machine->vfio)
		return err->code;
	for (size_t i = 0; i < config->vfio_count; i++) {
		rc = vfio_add(machine->vfio, &config->vfio[i], err);
		if (rc)
			return rc;
	}
	rc = vfio_check_lent(machine->vfio, err);
	return rc ? rc : vfio_check_memlock(machine->vfio, config->memory, err);
}

/* A file may have pages already, which the host need not find any more. */
static uint64_t build_missing_memory(const struct config *config)
{
	struct ram_file file;
	struct err err = {0};

	if (!config->memory_fd || ram_file_check(config->memory_fd, &file, &err))
		return config->memory;
	return file.held < config->memory ? config->memory - file.held : 0;
}

/*
 * Huge pages are the host's to give already; RAM that nobody pins need not be there before it is
 * used, see machine_tell_memory().
 */
static int build_check_memory(struct machine *machine, struct err *err)
{
	const struct config *config = machine->config;
	struct hostmem host;

	if (config->page_size || !(config_pins_memory(config) || config->prealloc))
		return 0;
	hostmem_read("/proc", "/sys", &host);
	return hostmem_check(&host, build_missing_memory(config),
			     config_pins_memory(config) ? HOSTMEM_PINNED : HOSTMEM_POPULATED, err);
}

static int build_open_kvm(struct machine *machine, struct err *err)
{
	int given = machine->config->kvm;

	machine->vm = given ? kvm_vm_create_given(given, arch_vm_type, err)
			    : kvm_vm_create(arch_vm_type, err);
	if (machine->vm)
		return 0;
	if (!given)
		virtualization_explain("/proc", "/sys", err);
	return err->code;
}

static int build_lay_out_with_virtio(struct machine *machine,
				     const struct arch_layout_request *request, struct err *err)
{
	struct arch_layout_request whole = *request;
	int rc;

	whole.mmio64_needed += virtio_window_size(machine);
	rc = arch_layout(&whole, &machine->platform, err);
	return rc && virtio_make_room(machine, err)
		       ? build_lay_out_with_virtio(machine, request, err)
		       : rc;
}

static int build_lay_out(struct machine *machine, struct err *err)
{
	const struct config *config = machine->config;
	struct ram_range usable[VFIO_IOVA_RANGES_MAX];
	int rc = vfio_prepare(machine->vfio, machine->vm, err);
	struct arch_layout_request request = {
		.cpus = config->cpus,
		.buses = 1 + vfio_port_count(machine->vfio),
		.ram_size = config->memory,
		.page_size = config->page_size ? config->page_size : host_page_size(),
		.physical_bits = arch_physical_bits(machine->vm),
		.serial = config->serial != SERIAL_NONE,
		.debug_exit = config->debug_exit,
	};

	if (rc)
		return rc;
	request.usable_count = vfio_iova_ranges(machine->vfio, usable, ARRAY_SIZE(usable));
	request.usable = request.usable_count ? usable : NULL;
	vfio_window_sizes(machine->vfio, &request.mmio32_needed, &request.mmio64_needed);
	return build_lay_out_with_virtio(machine, &request, err);
}

static int build_memory(struct machine *machine, struct err *err)
{
	const struct config *config = machine->config;
	struct ram_config ram = {
		.page_size = config->page_size,
		.prealloc = config->prealloc,
		.fd = config->memory_fd,
		.shared = config_shares_memory(config),
		.place = {.pins = config->pins, .pin_count = config->pinned ? config->cpus : 0},
	};

	if (config->memory_fd && ram_file_seal(config->memory_fd, config->memory, err))
		return err->code;
	machine->mmio = mem_map_create("memory", 0, err);
	machine->pio = mem_map_create("ports", 0x10000, err);
	if (!machine->mmio || !machine->pio || kvm_vm_listen(machine->vm, machine->mmio, err))
		return err->code;
	machine->ram = ram_create(machine->mmio, machine->platform.ram, machine->platform.ram_count,
				  &ram, err);
	if (ram.fd)
		close(ram.fd);
	return machine->ram ? 0 : err->code;
}

/* Accesses that had to wait may go on. */
static void build_wake(void *owner)
{
	struct machine *machine = owner;

	if (machine->run)
		run_wake(machine->run);
}

static int build_pci(struct machine *machine, struct err *err)
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
		.wake = build_wake,
	};
	int rc;

	hotplug_attach(machine, &attach);
	arch_pci_ports(machine->arch, &config);
	machine->host = pci_host_create(&config, err);
	if (!machine->host)
		return err->code;
	attach.host = machine->host;
	rc = vfio_attach(machine->vfio, &attach, err);
	if (!rc)
		rc = virtio_create(machine, err);
	if (rc)
		return rc;
	return pci_host_assign(machine->host, err);
}

static void build_hear_failure(void *owner, bool crashed, const char *report)
{
	struct err err = {0};

	err_set(&err, -EFAULT, crashed ? "the guest crashed" : "the guest cannot go on");
	machine_end(owner, crashed ? CONTROL_GUEST_PANIC : CONTROL_HOST_ERROR,
		    crashed ? STATUS_CRASHED : STATUS_FAILED, &err, report);
}

static void build_hear_debug(void *owner)
{
	machine_request(owner, REQUEST_DEBUG);
}

/* A device that comes later, which takes a port, may have a trace too. */
static bool build_traces(const struct machine *machine)
{
	if (vfio_port_count(machine->vfio) > 0)
		return true;
	for (size_t i = 0; i < machine->config->vfio_count; i++)
		if (machine->config->vfio[i].trace)
			return true;
	return false;
}

static int build_vcpu_init_job(void *owner, struct kvm_vcpu *vcpu, struct err *err)
{
	struct machine *machine = owner;

	if (build_traces(machine))
		arch_vcpu_tell_pc(machine->arch, vcpu);
	return arch_vcpu_init(machine->arch, vcpu, err);
}

static int build_vcpus(struct machine *machine, struct err *err)
{
	const struct config *config = machine->config;
	struct run_setup setup = {
		.vm = machine->vm,
		.arch = machine->arch,
		.mmio = machine->mmio,
		.coalesced = kvm_coalesced_create(machine->vm, machine->pio, err),
		.cpus = config->cpus,
		.pins = config->pinned ? config->pins : NULL,
		.pc = build_traces(machine) ? arch_vcpu_pc : NULL,
		.failed = build_hear_failure,
		.debugged = build_hear_debug,
		.machine = machine,
	};
	int rc;

	machine->coalesced = setup.coalesced;
	if (machine->coalesced)
		machine->run = run_create(&setup, err);
	if (!machine->run)
		return err->code;
	rc = run_call(machine->run, build_vcpu_init_job, machine, err);
	if (rc)
		return rc;
	return arch_irqchip_init(machine->arch, err);
}

static size_t build_console_input(void *owner, const uint8_t *bytes, size_t count)
{
	struct machine *machine = owner;

	return arch_console_input(machine->arch, bytes, count);
}

void machine_hear_key(void *owner, enum console_request request)
{
	struct machine *machine = owner;

	switch (request) {
	case CONSOLE_QUIT:
		machine_end(machine, CONTROL_HOST_UI, STATUS_POWERED_OFF, NULL, NULL);
		break;
	case CONSOLE_POWER_BUTTON:
		machine_power_down(machine);
		break;
	case CONSOLE_RESET:
		machine_request_reset(machine, CONTROL_HOST_UI);
		break;
	case CONSOLE_CONTINUE:
		machine_request(machine, REQUEST_RESUME);
		break;
	}
}

static int build_console(struct machine *machine, struct err *err)
{
	const struct console_place place = {
		.kind = machine->config->serial,
		.path = machine->config->serial_path,
		.fd = machine->config->serial_fd,
		.port = "serial port",
		.option = "--serial",
	};
	struct console_owner owner = {
		.input = build_console_input,
		.request = machine_hear_key,
		.wake = build_wake,
		.machine = machine,
	};

	machine->console = console_create(&place, machine->loop, &owner, err);
	return machine->console ? 0 : err->code;
}

static void build_hear_reboot(struct machine *machine)
{
	if (machine->config->exit_on_reboot)
		machine_end(machine, CONTROL_GUEST_RESET, STATUS_POWERED_OFF, NULL, NULL);
	else
		machine_request_reset(machine, CONTROL_GUEST_RESET);
}

/* The devices' way to say how it goes on; see devices/device.h. */
static void build_hear_event(void *owner, enum machine_event event, uint32_t argument)
{
	struct machine *machine = owner;
	struct err err = {0};

	switch (event) {
	case MACHINE_POWER_OFF:
		machine_end(machine, CONTROL_GUEST_SHUTDOWN, STATUS_POWERED_OFF, NULL, NULL);
		break;
	case MACHINE_RESET:
		build_hear_reboot(machine);
		break;
	case MACHINE_PANICKED:
		err_set(&err, -EFAULT, "the guest's kernel panicked");
		machine_end(machine, CONTROL_GUEST_PANIC, STATUS_CRASHED, &err, NULL);
		break;
	case MACHINE_DEBUG_EXIT:
		machine_end(machine, CONTROL_GUEST_SHUTDOWN, (int)argument, NULL, NULL);
		break;
	}
}

static int build_platform(struct machine *machine, struct err *err)
{
	struct arch_setup setup = {
		.vm = machine->vm,
		.mmio = machine->mmio,
		.pio = machine->pio,
		.ram = machine->ram,
		.platform = &machine->platform,
		.sink = {.event = build_hear_event, .machine = machine},
		.console = console_port(machine->console),
	};

	machine->arch = arch_vm_create(&setup, err);
	if (!machine->arch)
		return err->code;
	return arch_devices_create(machine->arch, err);
}

static void build_hear_mapped(void *owner, const struct err *err)
{
	struct machine *machine = owner;

	if (err)
		machine_end(machine, CONTROL_HOST_ERROR, STATUS_FAILED, err, NULL);
	else
		machine_request(machine, REQUEST_MAPPED);
}

/* Nothing is opened by name from here on but what is held. */
static int build_sandbox(struct machine *machine, struct err *err)
{
	const struct sandbox_settings settings = {
		.mode = machine->config->sandbox,
		.pins = config_pins_memory(machine->config) || machine->config->slots,
		.clients = machine->config->control || machine->config->gdb,
		.user = machine->config->user.uid ? &machine->config->user : NULL,
		.wake = machine->wake,
	};
	int rc = sandbox_drop(&settings, err);

	return rc ? rc : sandbox_begin(&settings, err);
}

static int build_threads(struct machine *machine, struct err *err)
{
	int rc = run_start(machine->run, err);

	if (!rc)
		rc = vfio_begin(machine->vfio, err);
	if (!rc)
		rc = virtio_begin(machine, err);
	if (!rc)
		sandbox_close();
	return rc;
}

/* Loads the guest and starts pinning its memory; the vCPUs need not wait for that. */
static int build_boot(struct machine *machine, struct err *err)
{
	int rc = machine_boot(machine, err);

	if (rc || (!vfio_device_count(machine->vfio) && !vfio_slot_count(machine->vfio)))
		return rc;
	return vfio_map_ram(machine->vfio, machine->ram, build_hear_mapped, machine, err);
}

static void build_debug_stop(void *owner)
{
	machine_request(owner, REQUEST_DEBUG);
}

static bool build_debug_stands(void *owner)
{
	const struct machine *machine = owner;

	return machine->paused;
}

static void build_debug_end(void *owner)
{
	struct machine *machine = owner;

	machine->quits = true;
	machine_end(machine, CONTROL_HOST_UI, STATUS_POWERED_OFF, NULL, NULL);
}

static void build_power_down(void *owner)
{
	machine_power_down(owner);
}

struct monitor machine_parts(struct machine *machine)
{
	return (struct monitor){
		.arch = machine->arch,
		.boot = &machine->boot,
		.platform = &machine->platform,
		.mmio = machine->mmio,
		.pio = machine->pio,
		.ram = machine->ram,
		.host = machine->host,
		.vfio = machine->vfio,
		.run = machine->run,
		.power_down = build_power_down,
		.machine = machine,
	};
}

static int build_debug(struct machine *machine, struct err *err)
{
	struct debug_setup setup = {
		.address = machine->config->gdb,
		.loop = machine->loop,
		.owner =
			{
				.stop = build_debug_stop,
				.go = machine_go,
				.stands = build_debug_stands,
				.end = build_debug_end,
				.machine = machine,
			},
		.parts = machine_parts(machine),
	};

	if (!machine->config->gdb)
		return 0;
	machine->debug = debug_create(&setup, err);
	return machine->debug ? 0 : err->code;
}

/*
 * The order is that of docs/architecture.md; machine_destroy() is its reverse, but that the vCPUs
 * end first. Nothing is opened by name, and no thread is there that stays, once the threads begin.
 */
int machine_build(struct machine *machine, struct err *err)
{
	static int (*const steps[])(struct machine * machine, struct err * err) = {
		machine_open_events, build_console, build_find_devices,    build_check_memory,
		build_open_kvm,      build_lay_out, build_memory,          build_platform,
		build_vcpus,         build_pci,     machine_watch_signals, build_debug,
		machine_listen,      build_sandbox, build_threads,         build_boot,
	};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && !rc; i++)
		rc = steps[i](machine, err);
	return rc;
}

int machine_dump_tables(const struct config *config, struct err *err)
{
	struct machine *machine = machine_alloc(config, err);
	int rc;

	if (!machine)
		return err->code;
	rc = build_find_devices(machine, err);
	if (!rc)
		rc = build_open_kvm(machine, err);
	if (!rc)
		rc = build_lay_out(machine, err);
	if (!rc && config->dump_acpi)
		rc = arch_dump_acpi(&machine->platform, config->dump_acpi, err);
	if (!rc && config->dump_fdt)
		rc = arch_dump_fdt(machine->vm, &machine->platform, config->cmdline,
				   config->dump_fdt, err);
	machine_destroy(machine);
	return rc;
}
