/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's way from one driver to another through sysfs. */

#ifndef FERRY_VMM_TOOLS_REBIND_H
#define FERRY_VMM_TOOLS_REBIND_H

#include "vfio/host.h"
#include "vmm/tools/record.h"
#include "vmm/tools/tools.h"

/* The driver that a device has and what would be recorded of it. */
void rebind_state(const struct vfio_host_device *device, struct record *record);

/* Loads what serves VFIO unless it is there. */
int rebind_prepare(const struct tool *tool, struct err *err) FERRY_MUST_CHECK;

/* From its driver to vfio-pci, verified. On failure the device is wherever that left it. */
int rebind_to_vfio(const struct tool *tool, const struct vfio_host_device *device,
		   struct err *err) FERRY_MUST_CHECK;

/*
 * From whatever it has to what @record says, verified; without one the kernel chooses. @driver becomes
 * what it has then.
 */
int rebind_back(const struct tool *tool, const char *address, const struct record *record,
		char driver[VFIO_DRIVER_SIZE], struct err *err) FERRY_MUST_CHECK;

#endif
