/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio device whose queues another process serves (vhost-user). */

#ifndef FERRY_DEVICES_VIRTIO_VHOST_USER_DEVICE_H
#define FERRY_DEVICES_VIRTIO_VHOST_USER_DEVICE_H

#include "devices/virtio/vhost_user_kind.h"

struct vhost_user_config {
	struct vhost_user_kind numbered; /* what `kind` is where it has no name */
	const struct vhost_user_kind *kind;
	const char *path; /* of the socket that its server listens at; NULL: it is open already */
	bool once;        /* the path leads nowhere later: no server is looked for again */
	int fd;           /* connected; the device's from then on */
	struct vhost_user_choice choice;
	const char *server; /* a program of the monitor's own, for sentences; NULL: somebody's */
};

/*
 * Connects to its server and learns what it is. Number @index is in the names of the device and its
 * thread. NULL with @err set; `fd` is closed then too. @config stays in use as long as the device.
 */
struct virtio_device *vhost_user_create(const struct vhost_user_config *config, unsigned int index,
					struct err *err);

#endif
