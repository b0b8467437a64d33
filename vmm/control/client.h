/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection of the control socket: what is read and taken, and what waits to be sent. */

#ifndef FERRY_VMM_CONTROL_CLIENT_H
#define FERRY_VMM_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/log.h"
#include "vmm/base/loop.h"
#include "vmm/control/target.h"

/* What the clients of one socket have in common. */
struct control_shared {
	struct loop *loop;
	struct control_target target;
	const char *address; /* of --control */
	struct log_limit limit;
	unsigned int passed; /* descriptors that all of them have by name */
	bool closed;         /* nothing more is carried out; answers that are due are sent */
};

struct control_client;

/* A place for one at a time of the clients of @shared, which outlives it; NULL: no memory. */
struct control_client *control_client_create(struct control_shared *shared);

/* Closes its connection, if there is one. NULL is allowed. */
void control_client_destroy(struct control_client *client);

/* Whether nobody has it. */
bool control_client_is_free(const struct control_client *client);

/* A connection @fd, which is its own from then on, at a free @client. Greets. */
void control_client_begin(struct control_client *client, int fd);

/* Whether it is there, has negotiated, and is told of events. */
bool control_client_hears(const struct control_client *client);

/* Sends a line beside its answers. NULL, as control_link's `send`. It may be dropped by that. */
void control_client_tell(struct control_client *client, const char *line, size_t size);

#endif
