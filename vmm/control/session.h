/* SPDX-License-Identifier: BSD-3-Clause */
/* One client's conversation: the greeting, the negotiation, requests and their answers. */

#ifndef FERRY_VMM_CONTROL_SESSION_H
#define FERRY_VMM_CONTROL_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/control/target.h"

struct control_session;

/* The way to the client. */
struct control_link {
	/* Whole lines; @text NULL: there was no memory for one, and no conversation without it. */
	void (*send)(void *owner, const char *text, size_t size);
	/* The client is not to be listened to any more. */
	void (*part)(void *owner);
	void *owner;
};

/* What both name outlives it. NULL: no memory. */
struct control_session *control_session_create(const struct control_target *target,
					       const struct control_link *link);
void control_session_destroy(struct control_session *session);

/* Greets. */
void control_session_begin(struct control_session *session);

/* Takes the next byte, and answers when a request ends with it. Not after `part`. */
void control_session_take(struct control_session *session, char byte);

/* Whether it has negotiated, and is told of events. */
bool control_session_hears(const struct control_session *session);

#endif
