/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection of the control socket: what is read and taken, and what waits to be sent. */

#include "vmm/control/client.h"
#include "vmm/base/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "vmm/base/fd.h"
#include "vmm/control/session.h"

enum {
	READ_SIZE = 4096,
	OUTPUT_HIGH = 64 * 1024,  /* that wait: the client is not listened to meanwhile */
	OUTPUT_MAX = 1024 * 1024, /* and with so many it is dropped */
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
	char input[READ_SIZE]; /* what was read, and its session has not been told */
	size_t at, count, room;
	char *output;
};

static void client_ready(void *owner, uint32_t events);

static size_t client_left(const struct control_client *client)
{
	return client->count - client->at;
}

static void client_watch(struct control_client *client, uint32_t events)
{
	struct err err = {0};

	if (client->events == events)
		return;
	if (client->events)
		loop_remove(client->shared->loop, client->fd);
	client->events = 0;
	if (!events)
		return;
	if (loop_add(client->shared->loop, client->fd, events, client_ready, client, &err))
		log_error("--control: %s", err.text);
	else
		client->events = events;
}

static void client_drop(struct control_client *client)
{
	if (client->fd < 0)
		return;
	client_watch(client, 0);
	fd_close(&client->fd);
	control_session_destroy(client->session);
	client->session = NULL;
	free(client->output);
	client->output = NULL;
	client->at = client->count = client->room = 0;
	client->input_at = client->input_count = 0;
	client->over = client->broken = client->given_up = false;
}

static void client_give_up(struct control_client *client, const char *why)
{
	if (!client->given_up)
		log_guest(&client->shared->limit, LOG_WARN,
			  "--control %s: a client was dropped: %s", client->shared->address, why);
	client->given_up = true;
}

static void client_flush(struct control_client *client)
{
	while (client_left(client) > 0 && !client->broken && !client->given_up) {
		ssize_t n = send(client->fd, client->output + client->at, client_left(client),
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n >= 0)
			client->at += (size_t)n;
		else if (errno == EPIPE || errno == ECONNRESET)
			client->broken = true;
		else
			client_give_up(client, err_text(errno));
	}
	client->at = client->count = 0;
}

static bool client_output_is_high(const struct control_client *client)
{
	return client_left(client) >= OUTPUT_HIGH;
}

static bool client_has_input(const struct control_client *client)
{
	return client->input_at < client->input_count;
}

/* While a request of it is carried out nothing is read: that it is gone shows behind that. */
static bool client_waits(const struct control_client *client)
{
	return client->session && control_session_waits(client->session);
}

static bool client_can_take(const struct control_client *client)
{
	return !client->over && !client->given_up && !client->shared->closed &&
	       !client_waits(client) && !client_output_is_high(client);
}

/* What is next, or the end. */
static void client_settle(struct control_client *client)
{
	uint32_t events = 0;

	client_flush(client);
	if (client->given_up || (client->over && client_left(client) == 0)) {
		client_drop(client);
		return;
	}
	if (client_can_take(client))
		events |= client_has_input(client) ? EPOLLOUT : EPOLLIN;
	if (client_left(client) > 0)
		events |= EPOLLOUT;
	client_watch(client, events);
	if (events && !client->events)
		client_drop(client);
}

static bool client_grow(struct control_client *client, size_t size)
{
	size_t room = client->count + size;
	char *output;

	if (room <= client->room)
		return true;
	output = realloc(client->output, 2 * room);
	if (!output)
		return false;
	client->output = output;
	client->room = 2 * room;
	return true;
}

static void client_send(void *owner, const char *text, size_t size)
{
	struct control_client *client = owner;

	if (client->broken || client->given_up)
		return;
	if (client->at > 0) {
		memmove(client->output, client->output + client->at, client_left(client));
		client->count -= client->at;
		client->at = 0;
	}
	if (!text || (client->count + size <= OUTPUT_MAX && !client_grow(client, size))) {
		client_give_up(client, "out of memory");
	} else if (client->count + size > OUTPUT_MAX) {
		client_give_up(client, "it does not read what it is sent");
	} else {
		memcpy(client->output + client->count, text, size);
		client->count += size;
	}
}

static void client_part(void *owner)
{
	struct control_client *client = owner;

	client->over = true;
}

/* What waits to be taken is, but in a turn of its own: this may be called from anywhere. */
static void client_go_on(void *owner)
{
	struct control_client *client = owner;

	if (!client->busy)
		client_settle(client);
}

/* A client that reads no answers is not listened to: the rest waits until it does. */
static void client_feed(struct control_client *client)
{
	client->busy = true;
	do {
		while (client_has_input(client) && client_can_take(client))
			control_session_take(client->session, client->input[client->input_at++]);
		client_flush(client);
	} while (client_has_input(client) && client_can_take(client));
	client->busy = false;
	if (client->over || !client_has_input(client))
		client->input_at = client->input_count = 0;
}

/* The one descriptor that there is room for in @message; -1: none is there. */
static int client_take_descriptor(struct msghdr *message, enum control_arrival *arrival)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len >= CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	*arrival = fd < 0 ? CONTROL_CAME_NONE : CONTROL_CAME_ONE;
	if (message->msg_flags & MSG_CTRUNC)
		*arrival = fd < 0 ? CONTROL_CAME_LOST : CONTROL_CAME_SEVERAL;
	return fd;
}

/*
 * The kernel ends a read behind bytes that descriptors came with. It closes those that there is no
 * room for.
 */
static void client_read(struct control_client *client)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec bytes = {.iov_base = client->input, .iov_len = sizeof(client->input)};
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = files_have_room() ? CMSG_LEN(sizeof(int)) : 0,
	};
	enum control_arrival arrival;
	ssize_t n = recvmsg(client->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	int fd;

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		client->over = true;
	if (n <= 0)
		return;
	client->input_count = (size_t)n;
	fd = client_take_descriptor(&message, &arrival);
	control_session_bring(client->session, fd, arrival);
}

static void client_ready(void *owner, uint32_t events)
{
	struct control_client *client = owner;

	if (events & (EPOLLHUP | EPOLLERR))
		client->broken = true;
	client_feed(client);
	if (!client_has_input(client) && client_can_take(client)) {
		client_read(client);
		client_feed(client);
	}
	client_settle(client);
}

struct control_client *control_client_create(struct control_shared *shared)
{
	struct control_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->shared = shared;
	client->fd = -1;
	return client;
}

void control_client_destroy(struct control_client *client)
{
	if (client)
		client_drop(client);
	free(client);
}

bool control_client_is_free(const struct control_client *client)
{
	return client->fd < 0;
}

void control_client_begin(struct control_client *client, int fd)
{
	struct control_link link = {
		.send = client_send,
		.part = client_part,
		.go_on = client_go_on,
		.owner = client,
		.passed = &client->shared->passed,
	};

	client->fd = fd;
	client->session = control_session_create(&client->shared->target, &link);
	if (client->session)
		control_session_begin(client->session);
	else
		client_give_up(client, "out of memory");
	client_settle(client);
}

bool control_client_hears(const struct control_client *client)
{
	return client->fd >= 0 && !client->over && control_session_hears(client->session);
}

void control_client_tell(struct control_client *client, const char *line, size_t size)
{
	client_send(client, line, size);
	if (!client->busy)
		client_settle(client);
}
