/* SPDX-License-Identifier: BSD-3-Clause */
/* What a vfio-user server asks of this side. */

#ifndef FERRY_VFIO_USER_SERVE_H
#define FERRY_VFIO_USER_SERVE_H

#include "vfio/user/client.h"

/*
 * Waits for a message of the server's until @deadline (0: for ever): 0 at its connection, 1 at the
 * twin. -ECANCELED when the client ends, -ETIMEDOUT or another negative errno.
 */
int vfio_user_wait_for(struct vfio_user_client *client, int64_t deadline) FERRY_MUST_CHECK;

/* Does what @header asks, whose @size bytes are in the client's buffer, and answers at @wire. */
void vfio_user_serve(struct vfio_user_client *client, const struct vfio_user_wire *wire,
		     const struct vfio_user_header *header, uint32_t size);

#endif
