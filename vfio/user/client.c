/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection to a vfio-user server: requests, their answers, and who waits for these. */

#include "vfio/user/client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "vfio/user/serve.h"
#include "vmm/base/bits.h"
#include "vmm/base/clock.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/thread.h"
#include "vmm/base/wire.h"

/* The number of what wants no answer; nothing else has it. */
enum { POSTED = 0 };

/* Somebody who waits for an answer; on that one's stack. */
struct vfio_user_wait {
	struct vfio_user_wait *next;
	struct vfio_user_request *request;
	uint16_t id;
	bool done;
	int rc;
};

void vfio_user_lose(struct vfio_user_client *client, const char *why, ...)
{
	char text[160];
	va_list arguments;
	bool first;

	va_start(arguments, why);
	(void)vsnprintf(text, sizeof(text), why, arguments);
	va_end(arguments);
	pthread_mutex_lock(&client->lock);
	first = !client->lost;
	client->lost = true;
	pthread_mutex_unlock(&client->lock);
	if (!first)
		return;
	/* Before anybody acts on it. */
	if (client->config.lost)
		err_set(client->config.lost, -EIO, "its server %s", text);
	else
		log_error("passthrough device %s: its server %s: the device is lost, and reads "
			  "all ones",
			  client->config.name, text);
	pthread_mutex_lock(&client->lock);
	if (client->lost_event >= 0)
		fd_signal(client->lost_event);
	/* Nobody waits for it any more, nor does its thread. */
	fd_signal(client->stop);
	pthread_cond_broadcast(&client->changed);
	pthread_mutex_unlock(&client->lock);
}

bool vfio_user_is_lost(struct vfio_user_client *client)
{
	bool lost;

	pthread_mutex_lock(&client->lock);
	lost = client->lost;
	pthread_mutex_unlock(&client->lock);
	return lost;
}

void vfio_user_get_tallies(struct vfio_user_client *client, struct vfio_user_tallies *tallies)
{
	pthread_mutex_lock(&client->lock);
	*tallies = client->tallies;
	pthread_mutex_unlock(&client->lock);
}

void vfio_user_watch(struct vfio_user_client *client, int event)
{
	pthread_mutex_lock(&client->lock);
	client->lost_event = event;
	if (client->lost && event >= 0)
		fd_signal(event);
	pthread_mutex_unlock(&client->lock);
}

/* Requests. */

static int64_t client_patience(const struct vfio_user_client *client,
			       const struct vfio_user_request *request)
{
	return request->patience_ms ? request->patience_ms : client->config.patience_ms;
}

int64_t vfio_user_deadline(const struct vfio_user_client *client)
{
	return clock_now_ms() + client->config.patience_ms;
}

/* A server that resets its device may answer nothing else before. */
static int64_t client_deadline(struct vfio_user_client *client,
			       const struct vfio_user_request *request)
{
	int64_t deadline = clock_now_ms() + client_patience(client, request);

	if (request->until)
		deadline = request->until;
	pthread_mutex_lock(&client->lock);
	if (request->command == VFIO_USER_RESET)
		client->resetting = deadline;
	else if (client->resetting > deadline)
		deadline = client->resetting;
	pthread_mutex_unlock(&client->lock);
	return deadline;
}

static int64_t client_opening_patience(const struct vfio_user_client *client)
{
	return client->config.patience_ms * VFIO_USER_OPENING_WAITS;
}

/* @what it has not done in time. */
static void client_lose_late(struct vfio_user_client *client,
			     const struct vfio_user_request *request, const char *what)
{
	if (!client->started && clock_now_ms() >= client->opening_until)
		vfio_user_lose(client, "has had more than %lld ms, and is not opened yet",
			       (long long)client_opening_patience(client));
	else
		vfio_user_lose(client, "has not %s %s within %lld ms", what,
			       vfio_user_name(request->command),
			       (long long)client_patience(client, request));
}

/* The locks of senders are held. */
static void client_send(struct vfio_user_client *client, const struct vfio_user_request *request,
			uint16_t id, uint32_t flags, int64_t deadline)
{
	struct vfio_user_header header = {
		.id = id,
		.command = (uint16_t)request->command,
		.size = (uint32_t)sizeof(header) + request->size + request->data_size,
		.flags = flags,
	};
	struct iovec parts[] = {
		{&header, sizeof(header)},
		{(void *)request->payload, request->size},
		{(void *)request->data, request->data_size},
	};
	int rc = vfio_user_wire_send(&client->wire, parts, ARRAY_SIZE(parts), request->fds,
				     request->fd_count, deadline);

	if (rc == -ETIMEDOUT)
		client_lose_late(client, request, "taken");
	else if (rc == -EPIPE || rc == -ECONNRESET)
		vfio_user_lose(client, "has ended the connection");
	else if (rc && rc != -ECANCELED)
		vfio_user_lose(client, "cannot be sent %s: %s", vfio_user_name(request->command),
			       err_text(rc));
}

static void client_link(struct vfio_user_client *client, struct vfio_user_wait *wait)
{
	pthread_mutex_lock(&client->lock);
	if (++client->last == POSTED)
		client->last++;
	wait->id = client->last;
	wait->next = client->waits;
	client->waits = wait;
	pthread_mutex_unlock(&client->lock);
}

/* The lock is held. */
static void client_unlink(struct vfio_user_client *client, const struct vfio_user_wait *wait)
{
	struct vfio_user_wait **link = &client->waits;

	while (*link != wait)
		link = &(*link)->next;
	*link = wait->next;
}

/* 0, or -ETIMEDOUT; the answer is not written to any more. */
static int client_await(struct vfio_user_client *client, struct vfio_user_wait *wait,
			int64_t deadline, int64_t since)
{
	const struct timespec until = clock_timespec(deadline);
	int rc = 0;

	pthread_mutex_lock(&client->lock);
	while (!wait->done && !client->lost && !rc)
		rc = pthread_cond_timedwait(&client->changed, &client->lock, &until);
	if (!wait->done)
		wait->rc = -EIO;
	client_unlink(client, wait);
	if (wait->request->command == VFIO_USER_RESET)
		client->resetting = 0;
	vfio_user_count(client->tallies.asked, wait->request->command, since);
	rc = rc && !wait->done ? -ETIMEDOUT : 0;
	pthread_mutex_unlock(&client->lock);
	return rc;
}

/* Answers. */

/* Who waits for it, or NULL. The lock is held. */
static struct vfio_user_wait *client_find(const struct vfio_user_client *client,
					  const struct vfio_user_header *header)
{
	struct vfio_user_wait *wait = client->waits;

	while (wait && (wait->done || wait->id != header->id ||
			(unsigned int)wait->request->command != header->command))
		wait = wait->next;
	return wait;
}

/*
 * Gives the answer of @size bytes to who waits, with @fds, which are -1 then. -EBADMSG: it is none
 * of the size that was asked for, -ENOMSG: nobody waits for it. The lock is held.
 */
static int client_deliver(const struct vfio_user_client *client,
			  const struct vfio_user_header *header, uint32_t size, int *fds)
{
	unsigned int fd_count = wire_count(fds, VFIO_USER_FDS);
	struct vfio_user_wait *wait = client_find(client, header);
	struct vfio_user_request *request;

	if (!wait)
		return -ENOMSG;
	request = wait->request;
	if (header->flags & VFIO_USER_ERROR) {
		/* Servers that there are send with it what a success would have had. */
		if (fd_count)
			return -EBADMSG;
		wait->rc = vfio_user_error(header);
	} else {
		if (size < request->least || size > request->room || fd_count > request->fd_room)
			return -EBADMSG;
		if (size)
			memcpy(request->answer, client->buffer, size);
		request->came = size;
		for (unsigned int i = 0; i < fd_count; i++) {
			request->answer_fds[i] = fds[i];
			fds[i] = -1;
		}
	}
	wait->done = true;
	return 0;
}

static void client_take_answer(struct vfio_user_client *client,
			       const struct vfio_user_header *header, uint32_t size, int *fds)
{
	bool came = fds[0] >= 0;
	int rc;

	/* Some servers answer what wants no answer. */
	if (header->id == POSTED && header->command == VFIO_USER_REGION_WRITE && !came)
		return;
	pthread_mutex_lock(&client->lock);
	rc = client_deliver(client, header, size, fds);
	pthread_cond_broadcast(&client->changed);
	pthread_mutex_unlock(&client->lock);
	if (rc == -ENOMSG)
		vfio_user_lose(client, "has answered %s, which it was not asked",
			       vfio_user_name(header->command));
	else if (rc)
		vfio_user_lose(client, "has answered %s with %u bytes%s, which is no answer to it",
			       vfio_user_name(header->command), size,
			       came ? " and a descriptor" : "");
}

/* Whatever comes. */

static void client_fail(struct vfio_user_client *client, int rc)
{
	if (rc == -ECONNRESET)
		vfio_user_lose(client, "has ended the connection");
	else if (rc == -ETIMEDOUT)
		vfio_user_lose(client, "has begun a message and not ended it");
	else if (rc == -EPROTO)
		vfio_user_lose(client, "has sent more descriptors than a message has");
	else if (rc != -ECANCELED)
		vfio_user_lose(client, "cannot be heard: %s", err_text(rc));
}

static bool client_is_answer(const struct vfio_user_header *header)
{
	return (header->flags & VFIO_USER_TYPE_MASK) == VFIO_USER_REPLY;
}

/* One message, which has begun to come. */
static int client_hear(struct vfio_user_client *client, const struct vfio_user_wire *wire)
{
	int64_t deadline = clock_now_ms() + client->config.patience_ms;
	struct vfio_user_header header;
	uint32_t size;
	int fds[VFIO_USER_FDS], rc;

	rc = vfio_user_wire_receive(wire, &header, sizeof(header), fds, VFIO_USER_FDS, deadline);
	if (rc)
		return rc;
	size = header.size - (uint32_t)sizeof(header);
	if (header.size < sizeof(header) || size > VFIO_USER_MESSAGE_MAX) {
		vfio_user_lose(client, "has sent %s of %u bytes", vfio_user_name(header.command),
			       header.size);
		rc = -ECANCELED;
	}
	if (!rc && size)
		rc = vfio_user_wire_receive(wire, client->buffer, size, NULL, 0, deadline);
	if (!rc && client_is_answer(&header) && wire == &client->wire)
		client_take_answer(client, &header, size, fds);
	else if (!rc && fds[0] < 0)
		vfio_user_serve(client, wire, &header, size);
	else if (!rc)
		vfio_user_lose(client, "has sent %s with a descriptor",
			       vfio_user_name(header.command));
	for (unsigned int i = 0; i < VFIO_USER_FDS; i++)
		wire_drop(&fds[i]);
	return rc;
}

/* What comes next, until @deadline (0: for ever). */
static int client_hear_next(struct vfio_user_client *client, int64_t deadline)
{
	int which;

	/* Also one that never stops to talk. */
	if (deadline && clock_now_ms() >= deadline)
		return -ETIMEDOUT;
	which = vfio_user_wait_for(client, deadline);
	if (which < 0)
		return which;
	return client_hear(client, which ? &client->twin : &client->wire);
}

/* Before there is a thread the caller hears the server itself. The lock of senders is held. */
static void client_hear_answer(struct vfio_user_client *client, const struct vfio_user_wait *wait,
			       int64_t deadline)
{
	int rc = 0;

	while (!rc && !wait->done && !vfio_user_is_lost(client))
		rc = client_hear_next(client, deadline);
	/* Who waits too long is told so by the caller. */
	if (rc && (rc != -ETIMEDOUT || clock_now_ms() < deadline))
		client_fail(client, rc);
}

/* As long as there is no thread all waiting adds up. The lock of senders is held. */
static void client_ask_at_opening(struct vfio_user_client *client,
				  const struct vfio_user_wait *wait, int64_t *deadline)
{
	int64_t begun = clock_now_ms();

	client->opening_until = begun + client_opening_patience(client) - client->opening_ms;
	if (*deadline > client->opening_until)
		*deadline = client->opening_until;
	client_send(client, wait->request, wait->id, 0, *deadline);
	client_hear_answer(client, wait, *deadline);
	client->opening_ms += clock_now_ms() - begun;
}

int vfio_user_ask(struct vfio_user_client *client, struct vfio_user_request *request)
{
	int64_t since = vfio_user_now();
	int64_t deadline = client_deadline(client, request);
	struct vfio_user_wait wait = {.request = request};

	for (unsigned int i = 0; i < request->fd_room; i++)
		request->answer_fds[i] = -1;
	pthread_mutex_lock(&client->sending);
	if (vfio_user_is_lost(client)) {
		pthread_mutex_unlock(&client->sending);
		return -EIO;
	}
	client_link(client, &wait);
	if (client->started)
		client_send(client, request, wait.id, 0, deadline);
	else
		client_ask_at_opening(client, &wait, &deadline);
	pthread_mutex_unlock(&client->sending);
	if (client_await(client, &wait, deadline, since))
		client_lose_late(client, request, "answered");
	return wait.rc;
}

/* Whether it is lost. */
static bool client_count_post(struct vfio_user_client *client,
			      const struct vfio_user_request *request, int64_t since)
{
	bool lost;

	pthread_mutex_lock(&client->lock);
	vfio_user_count(client->tallies.posted, request->command, since);
	lost = client->lost;
	pthread_mutex_unlock(&client->lock);
	return lost;
}

int vfio_user_post(struct vfio_user_client *client, const struct vfio_user_request *request)
{
	int64_t since = vfio_user_now();
	int64_t deadline = client_deadline(client, request);
	bool lost;

	pthread_mutex_lock(&client->sending);
	lost = vfio_user_is_lost(client);
	if (!lost)
		client_send(client, request, POSTED, VFIO_USER_NO_REPLY, deadline);
	pthread_mutex_unlock(&client->sending);
	return lost || client_count_post(client, request, since) ? -EIO : 0;
}

/* The thread. */

static void *client_main(void *argument)
{
	struct vfio_user_client *client = argument;
	int rc = 0;

	while (!rc && !vfio_user_is_lost(client))
		rc = client_hear_next(client, 0);
	if (rc)
		client_fail(client, rc);
	/* Many a server has one client at a time: the next one need not wait for the run's end. */
	(void)shutdown(client->wire.fd, SHUT_RDWR);
	return NULL;
}

/* Life and death. */

static int client_init(struct vfio_user_client *client, int fd,
		       const struct vfio_user_config *config)
{

	client->config = *config;
	if (!client->config.patience_ms)
		client->config.patience_ms = VFIO_USER_WAIT_MS;
	client->lost_event = client->twin.fd = -1;
	client->stop = fd_eventfd();
	client->wire = (struct vfio_user_wire){.fd = fd, .stop = client->stop};
	client->twin.stop = client->stop;
	client->buffer = malloc(VFIO_USER_MESSAGE_MAX);
	pthread_mutex_init(&client->sending, NULL);
	pthread_mutex_init(&client->lock, NULL);
	clock_cond_init(&client->changed);
	return !client->buffer ? -ENOMEM : client->stop < 0 ? client->stop : 0;
}

int vfio_user_begin(struct vfio_user_client *client, struct err *err)
{
	const struct thread_place place = {.name = client->config.name};
	int rc = 0;

	pthread_mutex_lock(&client->sending);
	if (!client->started) {
		/* The thread looks at it. */
		client->started = true;
		rc = thread_create_at(&client->thread, THREAD_USER, &place, client_main, client);
		if (rc)
			client->started = false;
	}
	pthread_mutex_unlock(&client->sending);
	return rc ? err_set(err, rc, "its thread: %s", err_text(rc)) : 0;
}

struct vfio_user_client *vfio_user_open(int fd, const struct vfio_user_config *config,
					struct err *err)
{
	struct vfio_user_client *client = calloc(1, sizeof(*client));
	int rc;

	if (!client) {
		err_set(err, -ENOMEM, "out of memory");
		fd_close(&fd);
		return NULL;
	}
	rc = client_init(client, fd, config);
	if (rc)
		err_set(err, rc, "its connection: %s", err_text(rc));
	if (!rc)
		rc = vfio_user_settle(client, err);
	if (!rc)
		return client;
	vfio_user_close(client);
	return NULL;
}

void vfio_user_close(struct vfio_user_client *client)
{
	if (!client)
		return;
	if (client->started) {
		fd_signal(client->stop);
		pthread_join(client->thread, NULL);
	}
	fd_close(&client->wire.fd);
	fd_close(&client->twin.fd);
	fd_close(&client->stop);
	pthread_cond_destroy(&client->changed);
	pthread_mutex_destroy(&client->lock);
	pthread_mutex_destroy(&client->sending);
	free(client->buffer);
	free(client);
}
