/* SPDX-License-Identifier: BSD-3-Clause */
/* A disk (VIRTIO 1.2 5.2) over a raw image. */

#ifndef FERRY_DEVICES_VIRTIO_DISK_H
#define FERRY_DEVICES_VIRTIO_DISK_H

#include "devices/virtio/device.h"
#include "devices/virtio/image.h"

enum { DISK_SERIAL_MAX = 20, DISK_QUEUES_MAX = 16 };

struct disk_config {
	struct image_config image;
	const char *serial;  /* at most DISK_SERIAL_MAX bytes; NULL: none */
	unsigned int queues; /* 1 to DISK_QUEUES_MAX */
	bool discard;        /* what the guest gives up leaves the image */
};

/*
 * Opens the image. Number @index is in the names of the device and its thread. NULL with @err set.
 */
struct virtio_device *disk_create(const struct disk_config *config, unsigned int index,
				  struct err *err);

#endif
