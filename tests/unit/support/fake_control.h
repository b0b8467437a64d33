/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine behind the control socket: what it was told to do, and how it is. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_CONTROL_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_CONTROL_H

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "vmm/control/target.h"

enum { FAKE_CPUS = 2 };

static struct {
	enum control_status status;
	bool busy; /* a debugger has the guest stand */
	unsigned int stops, goes, presses, resets, quits;
	unsigned int cpu; /* of the last line, which is: */
	char line[128];
	const char *answer;
	unsigned int adds;                /* the last one is: */
	struct vfio_device_config config; /* its strings are gone, but for these */
	char path[64], id[64], slot[16];
	bool at_once;     /* what is added is there, or refused, before the call returns */
	const char *flaw; /* why it is refused; NULL: it is not */
	vfio_added done;  /* who waits for one that is under way; NULL: nobody */
	void *done_owner;
	char removed[64]; /* what was asked for last */
	unsigned int timeout_ms;
} fake_machine;

/* How devices are had. */
static enum vfio_via fake_via;
static bool fake_via_open;
static size_t fake_slots;

static inline enum control_status fake_status(void *machine)
{
	(void)machine;
	return fake_machine.status;
}

static inline void fake_stop(void *machine)
{
	(void)machine;
	fake_machine.stops++;
	fake_machine.status = CONTROL_PAUSED;
}

static inline int fake_go(void *machine, struct err *why)
{
	(void)machine;
	if (fake_machine.busy)
		return err_set(why, -EBUSY, "the guest stands for gdb");
	fake_machine.goes++;
	fake_machine.status = CONTROL_RUNNING;
	return 0;
}

static inline void fake_power_down(void *machine)
{
	(void)machine;
	fake_machine.presses++;
}

static inline void fake_reset(void *machine)
{
	(void)machine;
	fake_machine.resets++;
}

static inline void fake_quit(void *machine)
{
	(void)machine;
	fake_machine.quits++;
}

static inline void fake_monitor(void *machine, unsigned int cpu, const char *line, FILE *out)
{
	(void)machine;
	fake_machine.cpu = cpu;
	snprintf(fake_machine.line, sizeof(fake_machine.line), "%s", line);
	fputs(fake_machine.answer ? fake_machine.answer : "", out);
}

static inline void fake_close(int fd)
{
	if (fd)
		close(fd);
}

/* The device that is under way is there, or was refused. */
static inline void fake_add_ends(void)
{
	vfio_added done = fake_machine.done;
	struct err why = {0};

	if (!done)
		return;
	fake_close(fake_machine.config.fd);
	fake_close(fake_machine.config.iommufd);
	fake_close(fake_machine.config.group_fd);
	fake_close(fake_machine.config.container_fd);
	fake_close(fake_machine.config.rom_fd);
	fake_close(fake_machine.config.trace_fd);
	fake_close(fake_machine.config.names_fd);
	fake_machine.done = NULL;
	if (fake_machine.flaw)
		err_set(&why, -ENODEV, "%s", fake_machine.flaw);
	done(fake_machine.done_owner, fake_machine.flaw ? &why : NULL);
}

/* One at a time. */
static inline void fake_add(void *machine, const struct vfio_device_config *config,
			    const char *slot, vfio_added done, void *owner)
{
	(void)machine;
	fake_add_ends();
	fake_machine.adds++;
	fake_machine.config = *config;
	snprintf(fake_machine.path, sizeof(fake_machine.path), "%s", config->path);
	snprintf(fake_machine.id, sizeof(fake_machine.id), "%s", config->id ? config->id : "");
	snprintf(fake_machine.slot, sizeof(fake_machine.slot), "%s", slot ? slot : "");
	fake_machine.done = done;
	fake_machine.done_owner = owner;
	if (fake_machine.at_once)
		fake_add_ends();
}

static inline int fake_remove(void *machine, const char *id, unsigned int timeout_ms,
			      struct err *why)
{
	(void)machine;
	snprintf(fake_machine.removed, sizeof(fake_machine.removed), "%s", id);
	fake_machine.timeout_ms = timeout_ms;
	if (strcmp(id, "none") == 0)
		return err_set(why, -ENOENT, "no device has the id 'none'");
	if (fake_machine.busy)
		return err_set(why, -EBUSY, "it is on its way already");
	return 0;
}

static const struct control_ops fake_ops = {
	.status = fake_status,
	.stop = fake_stop,
	.go = fake_go,
	.power_down = fake_power_down,
	.reset = fake_reset,
	.quit = fake_quit,
	.add = fake_add,
	.remove = fake_remove,
	.monitor = fake_monitor,
};

static struct control_target fake_target
	__attribute__((unused)) = {.ops = &fake_ops, .machine = &fake_machine};

/* The parts, which are not there. */
unsigned int run_count(const struct run *run)
{
	(void)run;
	return FAKE_CPUS;
}

pid_t run_thread_id(const struct run *run, unsigned int index)
{
	(void)run;
	return 1000 + (pid_t)index;
}

void run_count_exits(const struct run *run, unsigned int index, uint64_t counts[EXIT_COUNTS])
{
	(void)run;
	memset(counts, 0, EXIT_COUNTS * sizeof(counts[0]));
	counts[1] = index + 1;
	counts[EXIT_COUNTS - 1] = 10;
}

uint64_t ram_total(const struct ram *ram)
{
	(void)ram;
	return UINT64_C(0x40000000);
}

static size_t fake_devices;

size_t vfio_device_count(const struct vfio *vfio)
{
	(void)vfio;
	return fake_devices;
}

void vfio_get_status(struct vfio *vfio, size_t index, struct vfio_status *status)
{
	(void)vfio;
	*status = (struct vfio_status){
		.host = index ? "0000:02:00.0" : "0000:01:00.0",
		.guest = "00:03.0",
		.vendor = 0x8086,
		.device = 0x10d3,
		.state = "alive",
		.mode = "MSI-X",
		.vectors = 5,
		.unmasked = 3,
		.errors = 1,
		.id = index ? "0000:02:00.0" : "nic",
		.slot = index ? 0 : 3,
		.leaving = !index,
		.gone = index,
		.unseen = !index,
	};
	if (index)
		status->guest[0] = '\0';
}

size_t vfio_slot_count(const struct vfio *vfio)
{
	(void)vfio;
	return fake_slots;
}

bool vfio_get_slot(struct vfio *vfio, size_t index, struct vfio_slot_status *slot)
{
	(void)vfio;
	*slot = (struct vfio_slot_status){
		.number = (unsigned int)index + 3,
		.taken = true,
		.present = index == 0,
		.powered = index == 0,
	};
	return true;
}

enum vfio_via vfio_way(const struct vfio *vfio, bool *open)
{
	(void)vfio;
	*open = fake_via_open;
	return fake_via;
}

bool vfio_ram_is_pinned(const struct vfio *vfio)
{
	(void)vfio;
	return fake_devices > 0;
}

void pci_host_walk(struct pci_host *host, void (*see)(void *owner, const struct pci_view *view),
		   void *owner)
{
	static const struct pci_view nic = {
		.slot = 3,
		.function = 1,
		.vendor = 0x8086,
		.device = 0x10d3,
		.subsystem_vendor = 0x103c,
		.subsystem = 0x1234,
		.class_code = 0x020000,
		.class_name = "Ethernet controller",
		.name = "0000:01:00.0",
		.pin = 1,
		.bars = {{.kind = PCI_BAR_MEM64,
			  .address = 0xc0000000,
			  .size = 0x20000,
			  .decodes = true,
			  .prefetchable = true},
			 [2] = {.kind = PCI_BAR_IO, .address = 0x1000, .size = 0x20}},
	};
	static const struct pci_view port = {
		.slot = 4,
		.vendor = 0x8086,
		.device = 0x3420,
		.bridge = true,
		.secondary = 1,
		.subordinate = 2,
		.windows = {[PCI_WINDOW_IO] = {.base = 0xf000, .last = 0xfff},
			    [PCI_WINDOW_MEMORY] = {.base = 0xc1000000, .last = 0xc2ffffff},
			    [PCI_WINDOW_PREFETCH] = {.base = 0x4000000000, .last = 0x403fffffff}},
		.port = 1,
		.powered = true,
		.class_code = 0x060400,
		.class_name = "PCI bridge",
		.name = "port",
	};

	struct pci_view below = nic;

	(void)host;
	see(owner, &nic);
	see(owner, &port);
	below.bus = 1;
	below.slot = 0;
	below.function = 0;
	below.name = "0000:02:00.0";
	if (fake_slots)
		see(owner, &below);
}

static inline void fake_machine_reset(void)
{
	memset(&fake_machine, 0, sizeof(fake_machine));
}

#endif
