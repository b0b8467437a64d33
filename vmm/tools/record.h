/* SPDX-License-Identifier: BSD-3-Clause */
/* What a device was bound to before `ferry bind`, kept under /run until it is given back. */

#ifndef FERRY_VMM_TOOLS_RECORD_H
#define FERRY_VMM_TOOLS_RECORD_H

#include <stdbool.h>

#include "vfio/host/host.h"
#include "vmm/base/err.h"

struct record {
	bool any;                        /* nobody knows what it had: the kernel is to choose */
	char driver[VFIO_DRIVER_SIZE];   /* "": none */
	char override[VFIO_DRIVER_SIZE]; /* its driver_override, "": none */
	uint16_t vendor, device;         /* whose it is: another may sit there later */
};

/*
 * Waits until no other process has it, saying so. The descriptor is the lock, or a negative errno:
 * close it to let the next in. What is under /run/ferry, and the devices that it tells of, change
 * under it alone.
 */
int record_lock(const char *folder, struct err *err) FERRY_MUST_CHECK;

/*
 * Writes @folder/ferry/@address, replacing what is there, whole or not at all. The folder must be
 * this user's and writable by nobody else, for what is read back from it decides which driver gets
 * the device.
 */
int record_save(const char *folder, const char *address, const struct record *record,
		struct err *err) FERRY_MUST_CHECK;

/*
 * What is on record of @device. -ENOENT when there is nothing of it, another negative errno when
 * what there is is not to be trusted.
 */
int record_load(const char *folder, const struct vfio_host_device *device,
		struct record *record) FERRY_MUST_CHECK;

/* 0 too when there is none. */
int record_remove(const char *folder, const char *address) FERRY_MUST_CHECK;

#endif
