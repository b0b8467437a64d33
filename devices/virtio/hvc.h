/* SPDX-License-Identifier: BSD-3-Clause */
/* A console (VIRTIO 1.2 5.3) of one port, which Linux has as hvc0. */

#ifndef FERRY_DEVICES_VIRTIO_HVC_H
#define FERRY_DEVICES_VIRTIO_HVC_H

#include "devices/virtio/device.h"

enum {
	HVC_INPUT = 4096,  /* bytes of input that wait for the driver */
	HVC_OUTPUT = 4096, /* bytes of output at once; then the loop's others have their turn */
};

/* Where it goes. Both are called on the main thread, with the device's lock held. */
struct hvc_config {
	/*
	 * Takes @bytes, which are in guest memory: how many. Fewer than @count: hvc_wake() is
	 * called once it takes more.
	 */
	size_t (*output)(void *owner, const uint8_t *bytes, size_t count);
	/* There is room again for input that was not taken. */
	void (*room)(void *owner);
	void *owner;
	uint16_t columns, rows; /* of the terminal; 0: not known */
};

/* NULL with @err set. */
struct virtio_device *hvc_create(const struct hvc_config *config, struct err *err);

/* Input for the guest; how many bytes were taken. Main thread. */
size_t hvc_input(struct virtio_device *device, const uint8_t *bytes, size_t count);

/* Output may go on. Any thread. */
void hvc_wake(struct virtio_device *device);

#endif
