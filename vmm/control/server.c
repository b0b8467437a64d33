/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket on the event loop: its name, and who is let in. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/local.h"
#include "vmm/base/log.h"
#include "vmm/control/client.h"
#include "vmm/control/control_private.h"
#include "vmm/control/passed.h"
#include "vmm/runtime.h"

enum {
	CLIENTS = 16,
	/* Each client's, one that has no name yet, those that have, the listener and its timer. */
	DESCRIPTORS = 2 * CLIENTS + CONTROL_PASSED_ALL + 2,
};

struct control {
	struct control_shared shared;
	int fd;
	int retry; /* a timer: the listener is listened to again */
	struct local_name name;
	char entry[PATH_MAX]; /* of the user's list of monitors; "": none */
	bool deaf;
	struct control_client clients[CLIENTS];
};

static const char prefix[] = "unix:";

static struct control_client *server_find_free(struct control *control)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (control->clients[i].fd < 0)
			return &control->clients[i];
	return NULL;
}

/* A connection that waits would wake the loop for ever: it is looked at again in a while. */
static void server_turn_deaf(struct control *control, int rc)
{
	const struct itimerspec soon = {.it_value.tv_sec = 1};

	if (!control->deaf)
		log_error("--control %s: no client can connect: %s: it is tried again each second",
			  control->shared.address, err_text(rc));
	control->deaf = true;
	loop_remove(control->shared.loop, control->fd);
	timerfd_settime(control->retry, 0, &soon, NULL);
}

static void server_begin(struct control *control, int fd)
{
	struct control_client *client = server_find_free(control);

	if (client) {
		control_client_begin(client, fd);
		return;
	}
	log_guest(&control->shared.limit, LOG_WARN,
		  "--control %s: a client was shut out: %d are there already",
		  control->shared.address, CLIENTS);
	fd_close(&fd);
}

static void server_accept(void *owner, uint32_t events)
{
	struct control *control = owner;
	int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int rc = fd < 0 ? -errno : 0;

	(void)events;
	if (rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -ENOBUFS)
		server_turn_deaf(control, rc);
	if (rc)
		return;
	control->deaf = false;
	rc = local_check_peer(fd);
	if (!rc) {
		server_begin(control, fd);
		return;
	}
	log_guest(
		&control->shared.limit, LOG_WARN,
		"--control %s: another user's process connected, and was shut out: connect as the "
		"user that Ferry runs as, or as root",
		control->shared.address);
	fd_close(&fd);
}

static void server_retry(void *owner, uint32_t events)
{
	struct control *control = owner;
	struct err err = {0};

	(void)events;
	(void)fd_take(control->retry);
	if (loop_add(control->shared.loop, control->fd, EPOLLIN, server_accept, control, &err))
		server_turn_deaf(control, err.code);
}

int control_check_address(const char *address, struct err *err)
{
	struct sockaddr_un parsed;
	int rc;

	if (strncmp(address, prefix, strlen(prefix)) != 0)
		return err_set(err, -EINVAL, "'%s': it takes unix:PATH", address);
	rc = local_address(address + strlen(prefix), &parsed, err);
	if (rc)
		err_prefix(err, "'%s'", address);
	return rc;
}

static int server_listen(struct control *control, struct err *err)
{
	struct sockaddr_un address;
	int rc = local_address(control->shared.address + strlen(prefix), &address, err);

	if (rc)
		return rc;
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	control->retry = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (control->fd < 0 || control->retry < 0)
		return err_set(err, -errno, "no descriptor for it: %s", err_text(errno));
	rc = local_bind(control->fd, &address, CLIENTS, &control->name, err);
	if (rc)
		return rc;
	rc = loop_add(control->shared.loop, control->retry, EPOLLIN, server_retry, control, err);
	if (rc)
		return rc;
	return loop_add(control->shared.loop, control->fd, EPOLLIN, server_accept, control, err);
}

/* It serves all the same where that cannot be. */
static void server_enter_list(struct control *control)
{
	const char *run = control->shared.target.run_folder;
	struct err err = {0};
	int rc = run ? runtime_enter(run, control->name.path, control->entry, &err) : -ENOENT;

	if (rc)
		control->entry[0] = '\0';
	if (rc && rc != -ENOENT)
		log_warn("--control %s: ferry list will not show it: %s", control->shared.address,
			 err.text);
}

struct control *control_create(const char *address, struct loop *loop,
			       const struct control_target *target, struct err *err)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control) {
		err_set(err, -ENOMEM, "--control: out of memory");
		return NULL;
	}
	control->shared.loop = loop;
	control->shared.address = address;
	control->shared.target = *target;
	control->fd = control->retry = -1;
	for (size_t i = 0; i < CLIENTS; i++) {
		control->clients[i].shared = &control->shared;
		control->clients[i].fd = -1;
	}
	fd_reserve(DESCRIPTORS);
	if (server_listen(control, err)) {
		err_prefix(err, "--control %s", address);
		control_destroy(control);
		return NULL;
	}
	server_enter_list(control);
	return control;
}

void control_close(struct control *control)
{
	if (!control || control->fd < 0)
		return;
	control->shared.closed = true;
	loop_remove(control->shared.loop, control->fd);
	loop_remove(control->shared.loop, control->retry);
	if (control->entry[0])
		unlink(control->entry);
	local_unbind(&control->name);
	fd_close(&control->fd);
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	control_close(control);
	for (size_t i = 0; i < CLIENTS; i++)
		control_client_drop(&control->clients[i]);
	fd_close(&control->retry);
	fd_reserve(-DESCRIPTORS);
	free(control);
}

void control_tell(struct control *control, const char *line, size_t size)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (control_client_hears(&control->clients[i]))
			control_client_tell(&control->clients[i], line, size);
}
