/* SPDX-License-Identifier: BSD-3-Clause */
/* One client of a server after another: its messages in order, interrupts, and what is polled. */

#include "tests/support/user-server/server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/user-server/server_private.h"

void user_server_init(struct user_server *server, const struct user_model *model)
{
	server->model = model;
	server->socket = server->ask = server->unmask = -1;
	server->end = &server->first;
	for (unsigned int kind = 0; kind < USER_IRQS; kind++)
		for (unsigned int i = 0; i < USER_VECTORS; i++)
			server->irqs[kind][i] = -1;
}

void user_server_interrupt(struct user_server *server, unsigned int kind, unsigned int vector)
{
	const uint64_t one = 1;
	int fd = server->irqs[kind][vector];

	if (fd < 0 || (kind == USER_INTX && server->masked))
		return;
	if (kind == USER_INTX)
		server->masked = true;
	(void)!write(fd, &one, sizeof(one));
}

static void server_take_unmask(struct user_server *server)
{
	uint64_t count;

	(void)!read(server->unmask, &count, sizeof(count));
	server->masked = false;
}

enum { POLL_MESSAGE, POLL_UNMASK, POLL_BELLS, POLLED = POLL_BELLS + USER_BARS * USER_BELLS };

/* How many there are. */
static nfds_t server_list(const struct user_server *server, struct pollfd polled[POLLED])
{
	const struct user_region *regions = server->model->regions;
	nfds_t count = POLL_BELLS;

	polled[POLL_MESSAGE] = (struct pollfd){server->socket, POLLIN, 0};
	polled[POLL_UNMASK] = (struct pollfd){server->unmask, POLLIN, 0};
	for (unsigned int bar = 0; bar < USER_BARS; bar++)
		for (unsigned int i = 0; i < regions[bar].bell_count; i++)
			polled[count++] = (struct pollfd){regions[bar].bells[i].event, POLLIN, 0};
	return count;
}

/* What several share is taken once: they do not block. */
static void server_take_bells(const struct pollfd *polled, nfds_t count)
{
	uint64_t rung;

	for (nfds_t i = POLL_BELLS; i < count; i++)
		if (polled[i].revents)
			(void)!read(polled[i].fd, &rung, sizeof(rung));
}

/* Whether there is a message; what is polled, and INTx that is unmasked, is seen to meanwhile. */
static bool server_wait(struct user_server *server)
{
	const struct user_model *model = server->model;
	const struct timespec pause = {.tv_nsec = (long)model->poll_us * 1000};

	while (!server->first) {
		struct pollfd polled[POLLED];
		nfds_t count = server_list(server, polled);
		int ready = ppoll(polled, count, model->poll_us ? &pause : NULL, NULL);

		if (ready < 0 && errno != EINTR)
			return false;
		if (polled[POLL_UNMASK].revents)
			server_take_unmask(server);
		server_take_bells(polled, count);
		if (model->poll)
			model->poll(model->owner);
		if (polled[POLL_MESSAGE].revents)
			return true;
	}
	return true;
}

/* The next message: one that waits, or one that comes. NULL: there is no other. */
static struct user_queued *server_next(struct user_server *server)
{
	struct user_queued *queued = server->first;

	if (queued) {
		server->first = queued->next;
		if (!server->first)
			server->end = &server->first;
		return queued;
	}
	queued = malloc(sizeof(*queued));
	if (queued && server_receive(server->socket, &queued->message))
		return queued;
	free(queued);
	return NULL;
}

static void server_forget(struct user_server *server)
{
	while (server->first) {
		struct user_queued *queued = server_next(server);

		server_close_fds(&queued->message);
		free(queued);
	}
	server_forget_windows(server);
	for (unsigned int kind = 0; kind < USER_IRQS; kind++)
		for (unsigned int i = 0; i < USER_VECTORS; i++) {
			if (server->irqs[kind][i] >= 0)
				close(server->irqs[kind][i]);
			server->irqs[kind][i] = -1;
		}
	if (server->unmask >= 0)
		close(server->unmask);
	if (server->ask != server->socket)
		close(server->ask);
	close(server->socket);
	server->socket = server->ask = server->unmask = -1;
	server->masked = false;
}

void user_server_run(struct user_server *server, int fd)
{
	bool goes_on = true;

	server->socket = server->ask = fd;
	memcpy(server->config, server->model->config, sizeof(server->config));
	while (goes_on && server_wait(server)) {
		struct user_queued *queued = server_next(server);

		goes_on = queued && server_do(server, &queued->message);
		free(queued);
	}
	server_forget(server);
}

int user_server_listen(struct user_server *server, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	if (listener < 0)
		return -errno;
	if (strlen(path) >= sizeof(address.sun_path)) {
		close(listener);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	unlink(path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1)) {
		rc = -errno;
		close(listener);
		return rc;
	}
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			user_server_run(server, fd);
		} else if (errno != EINTR) {
			rc = -errno;
			close(listener);
			return rc;
		}
	}
}
