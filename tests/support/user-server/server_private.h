/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sources of the server share. */

#ifndef FERRY_TESTS_SUPPORT_USER_SERVER_SERVER_PRIVATE_H
#define FERRY_TESTS_SUPPORT_USER_SERVER_SERVER_PRIVATE_H

#include "tests/support/user-server/server.h"

/* One message, which is too large for a stack. */
struct server_message {
	struct server_header header;
	uint32_t size; /* of the payload */
	int fds[SERVER_FDS];
	unsigned int fd_count;
	uint8_t payload[SERVER_PAYLOAD] __attribute__((aligned(8)));
};

struct user_queued {
	struct user_queued *next;
	struct server_message message;
};

/* What is sent. */
struct server_answer {
	const void *head, *data;
	uint32_t head_size, data_size;
	int fds[SERVER_FDS];
	unsigned int fd_count;
};

/* wire.c. False: the client is gone. */
bool server_receive(int socket, struct server_message *message);
bool server_send(int socket, const struct server_header *header,
		 const struct server_answer *answer);
void server_close_fds(struct server_message *message);
/* Answers @message, misbehaving where the server is to; @rc a negative errno in its place. */
bool server_answer(struct user_server *server, const struct server_message *message, int rc,
		   struct server_answer *answer);
/* Whether it is to misbehave so at this message. */
bool server_is_at(const struct user_server *server, const struct server_message *message,
		  enum user_fault fault);

/* commands.c. What a message asks, done and answered; false: it is the last. */
bool server_do(struct user_server *server, struct server_message *message);

/* dma.c */
int server_map(struct user_server *server, struct server_message *message);
int server_unmap(struct user_server *server, const struct server_message *message);
void server_forget_windows(struct user_server *server);

#endif
