/* SPDX-License-Identifier: BSD-3-Clause */
/* One client's conversation: the greeting, the negotiation, requests and their answers. */

#ifndef FERRY_VMM_CONTROL_SESSION_H
#define FERRY_VMM_CONTROL_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/control/passed.h"
#include "vmm/control/target.h"

struct control_session;

/* The way to the client. */
struct control_link {
	/* Whole lines; @text NULL: there was no memory for one, and no conversation without it. */
	void (*send)(void *owner, const char *text, size_t size);
	/* The client is not to be listened to any more. */
	void (*part)(void *owner);
	/*
	 * A request that took its time is answered: the session takes again. Called from whatever
	 * answered it, so not the place to have the session take.
	 */
	void (*go_on)(void *owner);
	void *owner;
	unsigned int *passed; /* descriptors that all clients have by name */
};

/* What both name outlives it. NULL: no memory. */
struct control_session *control_session_create(const struct control_target *target,
					       const struct control_link *link);
void control_session_destroy(struct control_session *session);

/* Greets. */
void control_session_begin(struct control_session *session);

/*
 * What a read has brought is about to be taken: @fd (-1: none that is there), which is the
 * session's from then on; see passed.h.
 */
void control_session_bring(struct control_session *session, int fd, enum control_arrival arrival);

/*
 * Takes the next byte, and answers when a request ends with it. Not after `part`, nor while it
 * waits.
 */
void control_session_take(struct control_session *session, char byte);

/* Whether a request is still being carried out. It is to its end, also when the session is gone. */
bool control_session_waits(const struct control_session *session);

/* Whether it has negotiated, and is told of events. */
bool control_session_hears(const struct control_session *session);

#endif
