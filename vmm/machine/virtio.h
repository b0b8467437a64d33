/* SPDX-License-Identifier: BSD-3-Clause */
/* The machine's virtio devices: put on its bus, and what serves them. */

#ifndef FERRY_VMM_MACHINE_VIRTIO_H
#define FERRY_VMM_MACHINE_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/virtio/vhost_user_device.h"
#include "vmm/base/err.h"
#include "vmm/program.h"

struct machine;

/* A device that another process serves, and that process where the monitor has started it. */
struct virtio_service {
	struct vhost_user_config config;
	struct program *program;
};

/* Bytes of 64-bit memory BARs that they take. */
uint64_t virtio_window_size(const struct machine *machine);

/*
 * Whether it goes without what nobody asked for, since @err (-ENOSPC) says that there is no room:
 * then that is told, and not asked again.
 */
bool virtio_make_room(struct machine *machine, struct err *err);

/* Opens what is behind them and puts them on the bus, behind what is there; it owns them. */
int virtio_create(struct machine *machine, struct err *err) FERRY_MUST_CHECK;

/* Begins their threads and what they have in the loop, before any guest runs. */
int virtio_begin(struct machine *machine, struct err *err) FERRY_MUST_CHECK;

/* Whether the guest stands has changed: its devices stand or go on with it. Main thread. */
void virtio_stand(struct machine *machine);

/* Those programs that the monitor has started end, when their devices are gone. */
void virtio_end_services(struct machine *machine);

#endif
