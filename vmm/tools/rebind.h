/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's way from one driver to another through sysfs. */

#ifndef FERRY_VMM_TOOLS_REBIND_H
#define FERRY_VMM_TOOLS_REBIND_H

#include "vfio/host/host.h"
#include "vmm/tools/record.h"
#include "vmm/tools/tools.h"

/*
 * What would be recorded of a device as it is. An override that is VFIO's is none of the host's;
 * where no driver is either, nobody knows what it had.
 */
void rebind_describe(const struct vfio_host_device *device, struct record *record);

/* Whether its driver_override is VFIO's. */
bool rebind_is_marked(const struct vfio_host_device *device);

/* Loads what serves VFIO unless it is there. */
int rebind_prepare(const struct tool *tool, struct err *err) FERRY_MUST_CHECK;

/* From its driver to vfio-pci, verified. On failure the device is wherever that left it. */
int rebind_to_vfio(const struct tool *tool, const struct vfio_host_device *device,
		   struct err *err) FERRY_MUST_CHECK;

/*
 * From VFIO, or from half way, to what @record says, verified; a driver of the host's that has it
 * keeps it. May be done again after any failure. @driver becomes what it has then.
 */
int rebind_back(const struct tool *tool, const char *address, const struct record *record,
		char driver[VFIO_DRIVER_SIZE], struct err *err) FERRY_MUST_CHECK;

#endif
