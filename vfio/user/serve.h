/* SPDX-License-Identifier: BSD-3-Clause */
/* What a vfio-user server asks of this side. */

#ifndef FERRY_VFIO_USER_SERVE_H
#define FERRY_VFIO_USER_SERVE_H

#include "vfio/user/client.h"

/*
 * Waits for a message of the server's: 0 at its connection, 1 at the twin. -ECANCELED when the
 * client ends, or another negative errno. The client's thread.
 */
int vfio_user_wait_for(struct vfio_user_client *client) FERRY_MUST_CHECK;

/* Does what @header asks, whose @size bytes are in the client's buffer, and answers at @wire. */
void vfio_user_serve(struct vfio_user_client *client, const struct vfio_user_wire *wire,
		     const struct vfio_user_header *header, uint32_t size);

#endif
