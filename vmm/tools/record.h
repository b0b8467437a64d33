/* SPDX-License-Identifier: BSD-3-Clause */
/* What a device was bound to before `ferry bind`, kept under /run until it is given back. */

#ifndef FERRY_VMM_TOOLS_RECORD_H
#define FERRY_VMM_TOOLS_RECORD_H

#include "vfio/sysfs.h"
#include "vmm/base/err.h"

struct record {
	char driver[VFIO_DRIVER_SIZE];   /* "": none */
	char override[VFIO_DRIVER_SIZE]; /* its driver_override, "": none */
};

/*
 * Writes @folder/ferry/@address, replacing what is there. The folder must be this user's and writable by
 * nobody else, for what is read back from it decides which driver gets the device.
 */
int record_save(const char *folder, const char *address, const struct record *record,
		struct err *err) FERRY_MUST_CHECK;

/* -ENOENT when there is none, another negative errno when it is not to be trusted. */
int record_load(const char *folder, const char *address, struct record *record) FERRY_MUST_CHECK;
void record_remove(const char *folder, const char *address);

#endif
