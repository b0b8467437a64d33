/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets between guest and host (VIRTIO 1.2 5.10), which the host's kernel serves. */

#ifndef FERRY_DEVICES_VIRTIO_VSOCK_H
#define FERRY_DEVICES_VIRTIO_VSOCK_H

#include <stdint.h>

#include "devices/virtio/device.h"

/* The guest's address; those below and above are reserved. */
#define VSOCK_CID_MIN UINT32_C(3)
#define VSOCK_CID_MAX UINT32_C(0xfffffffe)

/* The guest's address is @cid, which no other guest of the host has. NULL with @err set. */
struct virtio_device *vsock_create(uint32_t cid, struct err *err);

#endif
