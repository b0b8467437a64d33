/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that come and go while the guest runs: the machine's part in it. */

#ifndef FERRY_VMM_MACHINE_HOTPLUG_H
#define FERRY_VMM_MACHINE_HOTPLUG_H

#include "vfio/vfio.h"

struct machine;

/* Has @attach call the machine for what hot plug needs of it. */
void hotplug_attach(struct machine *machine, struct vfio_attach *attach);

/* control_ops' `add` and `remove`; @owner is the machine, which is built. */
void hotplug_add(void *owner, const struct vfio_device_config *config, const char *slot,
		 vfio_added done, void *done_owner);
int hotplug_remove(void *owner, const char *id, unsigned int timeout_ms,
		   struct err *err) FERRY_MUST_CHECK;

#endif
