/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket on the event loop: its name, and who is let in. */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/base/activated.h"
#include "vmm/base/fd.h"
#include "vmm/base/files.h"
#include "vmm/base/held.h"
#include "vmm/base/local.h"
#include "vmm/base/log.h"
#include "vmm/base/random.h"
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
	int list;             /* that list's folder, held; negative: its path alone is known */
	bool deaf;
	struct control_client *clients[CLIENTS];
};

static const char prefix[] = "unix:";

static struct control_client *server_find_free(struct control *control)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (control_client_is_free(control->clients[i]))
			return control->clients[i];
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

/* Who connects is asked for its user, which a Unix socket alone can tell. */
static int server_check_given(const char *address, int *fd, struct err *err)
{
	int family, rc;

	*fd = activated_parse(address);
	if (*fd < 0)
		return err_set(err, -EINVAL, "'%s': it takes fd=N, an open descriptor", address);
	rc = activated_check_listener(*fd, &family, err);
	if (!rc && family != AF_UNIX)
		rc = err_set(err, -EINVAL, "it is a socket of TCP: it takes one of Unix");
	return rc ? err_prefix(err, "%s", address) : 0;
}

static bool server_is_given(const char *address)
{
	return strncmp(address, "fd=", 3) == 0;
}

int control_check_address(const char *address, struct err *err)
{
	struct sockaddr_un parsed;
	int fd, rc;

	if (server_is_given(address))
		return server_check_given(address, &fd, err);
	if (strncmp(address, prefix, strlen(prefix)) != 0)
		return err_set(err, -EINVAL, "'%s': it takes unix:PATH or fd=N", address);
	rc = local_address(address + strlen(prefix), &parsed, err);
	if (rc)
		err_prefix(err, "'%s'", address);
	return rc;
}

static int server_open(struct control *control, struct err *err)
{
	struct sockaddr_un address;
	int rc = local_address(control->shared.address + strlen(prefix), &address, err);

	if (rc)
		return rc;
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return err_set(err, -errno, "no descriptor for it: %s", err_text(errno));
	return local_bind(control->fd, &address, CLIENTS, &control->name, err);
}

/* The name, if it has one, is whose it was, and is left. */
static int server_take(struct control *control, struct err *err)
{
	struct sockaddr_un address = {0};
	socklen_t size = sizeof(address) - 1;
	int rc = server_check_given(control->shared.address, &control->fd, err);

	if (!rc && getsockname(control->fd, (struct sockaddr *)&address, &size) == 0)
		memcpy(control->name.path, address.sun_path, sizeof(control->name.path));
	return rc;
}

static int server_seat_clients(struct control *control, struct err *err)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		control->clients[i] = control_client_create(&control->shared);
		if (!control->clients[i])
			return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int server_listen(struct control *control, struct err *err)
{
	int rc = server_is_given(control->shared.address) ? server_take(control, err)
							  : server_open(control, err);

	if (rc)
		return rc;
	control->retry = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (control->retry < 0)
		return err_set(err, -errno, "no descriptor for it: %s", err_text(errno));
	rc = loop_add(control->shared.loop, control->retry, EPOLLIN, server_retry, control, err);
	if (rc)
		return rc;
	return loop_add(control->shared.loop, control->fd, EPOLLIN, server_accept, control, err);
}

/*
 * It serves all the same where that cannot be. Who has no runtime folder has no list, which `ferry
 * list` says itself.
 */
static void server_enter_list(struct control *control)
{
	const char *run = control->shared.target.run_folder;
	char folder[PATH_MAX];
	struct err err = {0};

	if (!run || !*control->name.path || runtime_folder(run, folder, &err))
		return;
	if (runtime_enter(run, control->name.path, control->entry, &err)) {
		control->entry[0] = '\0';
		log_warn("--control %s: ferry list will not show it: %s", control->shared.address,
			 err.text);
		return;
	}
	control->list = held_add_folder_of(control->entry);
}

/* The library would look for a seed of its tables with the first request, when it may not. */
static void server_seed_tables(void)
{
	size_t seed = 0;

	(void)random_fill(&seed, sizeof(seed));
	json_object_seed(seed | 1);
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
	fd_reserve(DESCRIPTORS);
	server_seed_tables();
	if (server_seat_clients(control, err) || server_listen(control, err)) {
		err_prefix(err, "--control %s", address);
		control_destroy(control);
		return NULL;
	}
	server_enter_list(control);
	return control;
}

/* Root's list is not another user's to write to: who reads it removes what has ended. */
static void server_leave_list(const struct control *control)
{
	int rc = files_remove(control->list, held_name(control->entry));

	if (rc && rc != -ENOENT)
		log_info("--control %s: %s is left: %s: ferry list removes it",
			 control->shared.address, control->entry, err_text(rc));
}

void control_close(struct control *control)
{
	if (!control || control->fd < 0)
		return;
	control->shared.closed = true;
	loop_remove(control->shared.loop, control->fd);
	loop_remove(control->shared.loop, control->retry);
	if (control->entry[0] && control->list < 0)
		(void)!files_remove(AT_FDCWD, control->entry);
	else if (control->entry[0])
		server_leave_list(control);
	held_remove(&control->list);
	local_unbind(&control->name);
	fd_close(&control->fd);
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	control_close(control);
	for (size_t i = 0; i < CLIENTS; i++)
		control_client_destroy(control->clients[i]);
	fd_close(&control->retry);
	fd_reserve(-DESCRIPTORS);
	free(control);
}

void control_tell(struct control *control, const char *line, size_t size)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (control_client_hears(control->clients[i]))
			control_client_tell(control->clients[i], line, size);
}
