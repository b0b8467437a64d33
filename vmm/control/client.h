/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection of the control socket: what is read and taken, and what waits to be sent. */

#ifndef FERRY_VMM_CONTROL_CLIENT_H
#define FERRY_VMM_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/log.h"
#include "vmm/base/loop.h"
#include "vmm/control/session.h"
#include "vmm/control/target.h"

enum { CONTROL_READ_SIZE = 4096 };

/* What the clients of one socket have in common. */
struct control_shared {
	struct loop *loop;
	struct control_target target;
	const char *address; /* of --control */
	struct log_limit limit;
	unsigned int passed; /* descriptors that all of them have by name */
	bool closed;         /* nothing more is carried out; answers that are due are sent */
};

struct control_client {
	struct control_shared *shared;
	struct control_session *session;
	int fd; /* -1: free */
	uint32_t events;
	bool busy;     /* its session is at work: who finds it dropped leaves it to that */
	bool over;     /* nothing more is heard of it, what waits is still sent */
	bool broken;   /* it is gone, and nothing more is sent: its last words are still heard */
	bool given_up; /* neither is */
	size_t input_at, input_count;
	char input[CONTROL_READ_SIZE]; /* what was read, and its session has not been told */
	size_t at, count, room;
	char *output;
};

/* A connection @fd, which is its own from then on, in the place of a free @client. Greets. */
void control_client_begin(struct control_client *client, int fd);

/* Whether it is there, has negotiated, and is told of events. */
bool control_client_hears(const struct control_client *client);

/* Sends a line beside its answers. NULL, as control_link's `send`. It may be dropped by that. */
void control_client_tell(struct control_client *client, const char *line, size_t size);

/* Closes it, if it is there. */
void control_client_drop(struct control_client *client);

#endif
