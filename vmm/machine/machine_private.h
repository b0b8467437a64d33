/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sources of the machine share: its parts, and what other threads ask of the main one. */

#ifndef FERRY_VMM_MACHINE_MACHINE_PRIVATE_H
#define FERRY_VMM_MACHINE_MACHINE_PRIVATE_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "arch/arch.h"
#include "devices/pci/pci.h"
#include "devices/virtio/device.h"
#include "memory/map.h"
#include "memory/ram.h"
#include "vfio/vfio.h"
#include "vmm/base/loop.h"
#include "vmm/control/control.h"
#include "vmm/debug/debug.h"
#include "vmm/kvm/vm.h"
#include "vmm/machine/console.h"
#include "vmm/machine/enumeration.h"
#include "vmm/machine/machine.h"
#include "vmm/machine/run.h"
#include "vmm/machine/silence.h"
#include "vmm/machine/virtio.h"

/* What other threads want the main thread to do; several may come before it looks. */
enum request {
	REQUEST_END = 1 << 0, /* the outcome is decided */
	REQUEST_RESET = 1 << 1,
	REQUEST_MAPPED = 1 << 2, /* all RAM is mapped for DMA */
	REQUEST_RESUME = 1 << 3,
	REQUEST_DEBUG = 1 << 4, /* a vCPU met a breakpoint, or the debugger wants it to stop */
	REQUEST_SLOTS = 1 << 5, /* the guest has changed a slot's power or indicator */
};

/* How a run ended; the first to be decided stays. */
struct outcome {
	bool decided;
	enum control_reason reason;
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
	struct silence silence;
	struct enumeration enumeration;
	struct vfio *vfio;
	struct kvm_vm *vm;
	struct platform platform;
	struct mem_map *mmio;
	struct mem_map *pio;
	struct ram *ram;
	struct arch_vm *arch;
	struct pci_host *host;
	struct virtio_device *virtio[PCI_SLOTS]; /* of functions on the bus, which has them */
	size_t virtio_count;
	struct virtio_service services[CONFIG_VHOST_USER_MAX];
	struct virtio_device *hvc;   /* one of these; NULL without --console */
	struct console *hvc_console; /* where it goes; likewise */
	bool crowded;                /* there is no room for devices that nobody asked for */
	struct kvm_coalesced *coalesced;
	struct run *run;
	struct debug *debug;     /* NULL without --gdb */
	struct control *control; /* NULL without --control */
	int signals;             /* signalfd */
	int wake;                /* eventfd: requests came in */
	int patience;            /* timerfd: until then SIGTERM has the guest power off by itself */
	bool asked;              /* SIGTERM has come, and it runs */
	bool started;            /* once at least; main thread */
	bool paused;             /* not started yet, or stopped for the debugger; main thread */
	bool shown;              /* the crash, to the debugger; main thread */
	bool quits;              /* somebody had it end: no crash is shown; main thread */
	bool told_paused;        /* as `paused`, to the control socket's clients; main thread */

	pthread_mutex_t lock; /* requests, outcome, and `run` where other threads use it */
	unsigned int requests;
	enum control_reason reset_reason; /* of the first who asked for a reset */
	struct outcome outcome;
};

/* What is asked of the main thread. Any thread, any lock but the machine's. */
void machine_request(struct machine *machine, unsigned int requests);

/* As REQUEST_RESET, for this reason. */
void machine_request_reset(struct machine *machine, enum control_reason reason);

/*
 * Decides the outcome unless it is decided; @err and @report are copied and may be NULL. Threads
 * and locks as machine_request().
 */
void machine_end(struct machine *machine, enum control_reason reason, int status,
		 const struct err *err, const char *report);

/* What somebody asked for with the escape key of a console; @owner is the machine. Main thread. */
void machine_hear_key(void *owner, enum console_request request);

/* Presses the power button. Main thread. */
void machine_power_down(struct machine *machine);

/*
 * What asks for REQUEST_DEBUG: parks all, and they go on unless there is something for a debugger.
 * Main thread.
 */
void machine_parked_for_debugger(struct machine *machine);

/* For somebody else than the debugger: -EBUSY while one is there. Main thread. */
int machine_resume(struct machine *machine, struct err *err) FERRY_MUST_CHECK;

/* Has clients of the control socket hear of it, once it is settled whether the guest stands. */
void machine_tell_paused(struct machine *machine);

/* The machine as `monitor` commands look at it. Everything is built. */
struct monitor machine_parts(struct machine *machine);

/* Opens the control socket, where there is to be one. Everything else is built. */
int machine_listen(struct machine *machine, struct err *err) FERRY_MUST_CHECK;

/* The vCPUs go on, unless they are to end or be reset; @owner is the machine. Main thread. */
void machine_go(void *owner);

/* Loads the guest, and each vCPU gets its power-on state, the first the entry state. All parked. */
int machine_boot(struct machine *machine, struct err *err) FERRY_MUST_CHECK;

/* What machine_request() and the wait of SIGTERM for the guest's power-off need. */
int machine_open_events(struct machine *machine, struct err *err) FERRY_MUST_CHECK;

/* From here on signals come through the loop, so that everything is given back in its order. */
int machine_watch_signals(struct machine *machine, struct err *err) FERRY_MUST_CHECK;

/* The machine of @config with nothing in it but its loop; NULL with @err set. */
struct machine *machine_alloc(const struct config *config, struct err *err);

/* Builds all of it, vCPUs parked; machine_destroy() undoes what was done, also of a failure's. */
int machine_build(struct machine *machine, struct err *err) FERRY_MUST_CHECK;

#endif
