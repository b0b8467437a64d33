/* SPDX-License-Identifier: BSD-3-Clause */
/* What every emulated device has in common, and what it may ask of the machine it is in. */

#ifndef FERRY_DEVICES_DEVICE_H
#define FERRY_DEVICES_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/map.h"
#include "vmm/base/err.h"
#include "vmm/kvm/irq.h"

struct device;

struct device_ops {
	/* Back to the state after power-on. Main thread, all vCPUs parked. May be NULL. */
	void (*reset)(struct device *device);
	/* Takes its regions out of their maps and frees itself. All vCPUs stopped. */
	void (*destroy)(struct device *device);
};

/* Embedded first in each device. */
struct device {
	const struct device_ops *ops;
	struct device *next; /* the machine's list */
};

/* How the guest's run ended, or is to go on. */
enum machine_event {
	MACHINE_POWER_OFF,
	MACHINE_RESET,
	MACHINE_PANICKED,   /* the guest's kernel said so through pvpanic */
	MACHINE_DEBUG_EXIT, /* argument: the exit status, (V << 1) | 1 */
};

/* The machine as its devices see it. Any thread, any lock; only queues and wakes. */
struct machine_sink {
	void (*event)(void *machine, enum machine_event event, uint32_t argument);
	void *machine;
};

/* Where emulated devices put themselves. */
struct device_bus {
	struct mem_map *mmio;
	struct mem_map *pio; /* on aarch64 the range behind the trapped window */
	struct kvm_irq *irq;
	struct machine_sink sink;
};

/*
 * Puts @device at the head of @list, or, when it is NULL because it could not be created, returns
 * the errno that @err has.
 */
int device_list_add(struct device **list, struct device *device,
		    const struct err *err) FERRY_MUST_CHECK;

/* Every device back to power-on. Main thread, all vCPUs parked. */
void device_list_reset(struct device *list);

/* Destroys every device. All vCPUs stopped. NULL is an empty list. */
void device_list_destroy(struct device *list);

#endif
