/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control socket asks of the machine behind it. */

#ifndef FERRY_VMM_CONTROL_TARGET_H
#define FERRY_VMM_CONTROL_TARGET_H

#include <stdint.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>

#include "devices/pci/pci.h"
#include "memory/ram.h"
#include "vfio/vfio.h"
#include "vmm/base/err.h"
#include "vmm/machine/run.h"

/* Where QMP has the devices in its tree of objects, each by its id. */
#define CONTROL_QOM_FOLDER "/machine/peripheral/"

enum control_status {
	CONTROL_RUNNING,
	CONTROL_PRELAUNCH, /* of --paused: it has not run yet */
	CONTROL_PAUSED,
	CONTROL_DEBUG,    /* it stands for a debugger */
	CONTROL_PANICKED, /* it crashed, and a debugger looks at it */
};

/* What a client may have the machine do. All on the main thread, no lock held. */
struct control_ops {
	enum control_status (*status)(void *machine);
	/* Every vCPU is parked at the return. Standing or running already: nothing. */
	void (*stop)(void *machine);
	/* -EBUSY with @err set where somebody else has it stand. */
	int (*go)(void *machine, struct err *err);
	void (*power_down)(void *machine);
	/* Soon. */
	void (*reset)(void *machine);
	void (*quit)(void *machine);
	/*
	 * Adds a device behind a slot, "slot3" or any (NULL): @done once, perhaps before the
	 * return. The descriptors of @config are the machine's from then on; its strings are not
	 * needed afterwards.
	 */
	void (*add)(void *machine, const struct vfio_device_config *config, const char *slot,
		    vfio_added done, void *owner);
	/*
	 * Begins to take device @id away; it is gone when that is told of. -ENOENT: there is no
	 * such device; or another negative errno, with @err set.
	 */
	int (*remove)(void *machine, const char *id, unsigned int timeout_ms, struct err *err);
	/* A line of `monitor`, as vCPU @cpu sees it. */
	void (*monitor)(void *machine, unsigned int cpu, const char *line, FILE *out);
};

struct control_target {
	const struct control_ops *ops;
	void *machine;
	/* What is looked at. */
	struct run *run;
	struct ram *ram;
	struct pci_host *host;
	struct vfio *vfio;
	const unsigned int *pins; /* the host's processor of each vCPU, or NULL */
	const char *run_folder;   /* where it is listed, as /run; NULL: nowhere */
	struct timespec since;    /* when it was built, by the monotonic clock */
	struct utsname system;    /* its processor's name is the guest's */
};

#endif
