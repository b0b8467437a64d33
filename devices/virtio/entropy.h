/* SPDX-License-Identifier: BSD-3-Clause */
/* A source of random bytes (VIRTIO 1.2 5.4), which are the host's kernel's. */

#ifndef FERRY_DEVICES_VIRTIO_ENTROPY_H
#define FERRY_DEVICES_VIRTIO_ENTROPY_H

#include "devices/virtio/device.h"

/* Bytes that one chain is given at most, whatever room it has. */
enum { ENTROPY_MOST = 4096 };

/* NULL with @err set. */
struct virtio_device *entropy_create(struct err *err);

#endif
