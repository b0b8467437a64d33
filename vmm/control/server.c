/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket on the event loop: who is connected, what waits for them, events for all. */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/local.h"
#include "vmm/base/log.h"
#include "vmm/control/control.h"
#include "vmm/control/line.h"
#include "vmm/control/session.h"
#include "vmm/runtime.h"

enum {
	CLIENTS = 16,
	READ_SIZE = 4096,
	OUTPUT_HIGH = 64 * 1024,  /* that wait: the client is not listened to meanwhile */
	OUTPUT_MAX = 1024 * 1024, /* and with so many it is dropped */
	DESCRIPTORS = CLIENTS + 2,
};

struct control_client {
	struct control *control;
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

struct control {
	struct loop *loop;
	struct control_target target;
	const char *address; /* of --control */
	int fd;
	int retry; /* a timer: the listener is listened to again */
	struct local_name name;
	char entry[PATH_MAX]; /* of the user's list of monitors; "": none */
	bool deaf;
	struct log_limit limit;
	struct control_client clients[CLIENTS];
};

static const char prefix[] = "unix:";

static void server_ready(void *owner, uint32_t events);

static size_t server_left(const struct control_client *client)
{
	return client->count - client->at;
}

static void server_watch(struct control_client *client, uint32_t events)
{
	struct err err = {0};

	if (client->events == events)
		return;
	if (client->events)
		loop_remove(client->control->loop, client->fd);
	client->events = 0;
	if (!events)
		return;
	if (loop_add(client->control->loop, client->fd, events, server_ready, client, &err))
		log_error("--control: %s", err.text);
	else
		client->events = events;
}

static void server_drop(struct control_client *client)
{
	server_watch(client, 0);
	fd_close(&client->fd);
	control_session_destroy(client->session);
	client->session = NULL;
	free(client->output);
	client->output = NULL;
	client->at = client->count = client->room = 0;
	client->input_at = client->input_count = 0;
	client->over = client->broken = client->given_up = false;
}

static void server_give_up(struct control_client *client, const char *why)
{
	if (!client->given_up)
		log_guest(&client->control->limit, LOG_WARN,
			  "--control %s: a client was dropped: %s", client->control->address, why);
	client->given_up = true;
}

static void server_flush(struct control_client *client)
{
	while (server_left(client) > 0 && !client->broken && !client->given_up) {
		ssize_t n = send(client->fd, client->output + client->at, server_left(client),
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
			server_give_up(client, err_text(errno));
	}
	client->at = client->count = 0;
}

static bool server_output_is_high(const struct control_client *client)
{
	return server_left(client) >= OUTPUT_HIGH;
}

static bool server_has_input(const struct control_client *client)
{
	return client->input_at < client->input_count;
}

/* What is next, or the end. */
static void server_settle(struct control_client *client)
{
	uint32_t events = 0;

	server_flush(client);
	if (client->given_up || (client->over && server_left(client) == 0)) {
		server_drop(client);
		return;
	}
	if (!client->over && !server_has_input(client) && !server_output_is_high(client))
		events |= EPOLLIN;
	if (server_left(client) > 0 || server_has_input(client))
		events |= EPOLLOUT;
	server_watch(client, events);
	if (!client->events)
		server_drop(client);
}

static bool server_grow(struct control_client *client, size_t size)
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

static void server_send(void *owner, const char *text, size_t size)
{
	struct control_client *client = owner;

	if (client->broken || client->given_up)
		return;
	if (client->at > 0) {
		memmove(client->output, client->output + client->at, server_left(client));
		client->count -= client->at;
		client->at = 0;
	}
	if (!text || (client->count + size <= OUTPUT_MAX && !server_grow(client, size))) {
		server_give_up(client, "out of memory");
	} else if (client->count + size > OUTPUT_MAX) {
		server_give_up(client, "it does not read what it is sent");
	} else {
		memcpy(client->output + client->count, text, size);
		client->count += size;
	}
}

static void server_part(void *owner)
{
	struct control_client *client = owner;

	client->over = true;
}

static bool server_can_feed(const struct control_client *client)
{
	return server_has_input(client) && !client->over && !client->given_up &&
	       !server_output_is_high(client);
}

/* A client that reads no answers is not listened to: the rest waits until it does. */
static void server_feed(struct control_client *client)
{
	client->busy = true;
	do {
		while (server_can_feed(client))
			control_session_take(client->session, client->input[client->input_at++]);
		server_flush(client);
	} while (server_can_feed(client));
	client->busy = false;
	if (client->over || !server_has_input(client))
		client->input_at = client->input_count = 0;
}

static void server_read(struct control_client *client)
{
	ssize_t n = read(client->fd, client->input, sizeof(client->input));

	if (n > 0)
		client->input_count = (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		client->over = true;
}

static void server_ready(void *owner, uint32_t events)
{
	struct control_client *client = owner;

	if (events & (EPOLLHUP | EPOLLERR))
		client->broken = true;
	server_feed(client);
	if (!client->over && !client->given_up && !server_has_input(client) &&
	    !server_output_is_high(client)) {
		server_read(client);
		server_feed(client);
	}
	server_settle(client);
}

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
			  control->address, err_text(rc));
	control->deaf = true;
	loop_remove(control->loop, control->fd);
	timerfd_settime(control->retry, 0, &soon, NULL);
}

static void server_begin(struct control *control, int fd)
{
	struct control_client *client = server_find_free(control);
	struct control_link link = {
		.send = server_send,
		.part = server_part,
		.owner = client,
	};

	if (!client) {
		log_guest(&control->limit, LOG_WARN,
			  "--control %s: a client was shut out: %d are there already",
			  control->address, CLIENTS);
		fd_close(&fd);
		return;
	}
	client->fd = fd;
	client->session = control_session_create(&control->target, &link);
	if (client->session)
		control_session_begin(client->session);
	else
		server_give_up(client, "out of memory");
	server_settle(client);
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
		&control->limit, LOG_WARN,
		"--control %s: another user's process connected, and was shut out: connect as the "
		"user that Ferry runs as, or as root",
		control->address);
	fd_close(&fd);
}

static void server_retry(void *owner, uint32_t events)
{
	struct control *control = owner;
	struct err err = {0};

	(void)events;
	(void)fd_take(control->retry);
	if (loop_add(control->loop, control->fd, EPOLLIN, server_accept, control, &err))
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
	int rc = local_address(control->address + strlen(prefix), &address, err);

	if (rc)
		return rc;
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	control->retry = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (control->fd < 0 || control->retry < 0)
		return err_set(err, -errno, "no descriptor for it: %s", err_text(errno));
	rc = local_bind(control->fd, &address, CLIENTS, &control->name, err);
	if (rc)
		return rc;
	rc = loop_add(control->loop, control->retry, EPOLLIN, server_retry, control, err);
	if (rc)
		return rc;
	return loop_add(control->loop, control->fd, EPOLLIN, server_accept, control, err);
}

/* It serves all the same where that cannot be. */
static void server_enter_list(struct control *control)
{
	const char *run = control->target.run_folder;
	struct err err = {0};
	int rc = run ? runtime_enter(run, control->name.path, control->entry, &err) : -ENOENT;

	if (rc)
		control->entry[0] = '\0';
	if (rc && rc != -ENOENT)
		log_warn("--control %s: ferry list will not show it: %s", control->address,
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
	control->loop = loop;
	control->address = address;
	control->target = *target;
	control->fd = control->retry = -1;
	for (size_t i = 0; i < CLIENTS; i++) {
		control->clients[i].control = control;
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
	loop_remove(control->loop, control->fd);
	loop_remove(control->loop, control->retry);
	if (control->entry[0])
		unlink(control->entry);
	local_unbind(&control->name);
	fd_close(&control->fd);
}

void control_destroy(struct control *control)
{
	if (!control)
		return;
	for (size_t i = 0; i < CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			server_drop(&control->clients[i]);
	control_close(control);
	fd_close(&control->retry);
	fd_reserve(-DESCRIPTORS);
	free(control);
}

/* --- events --- */

/* Sends the event @name with @data, which it drops and may be NULL, to those who hear. */
static void server_tell(struct control *control, const char *name, json_t *data)
{
	struct timespec now;
	size_t size = 0;
	json_t *event;
	char *line;

	clock_gettime(CLOCK_REALTIME, &now);
	event = json_pack("{s:{s:I, s:I}, s:s}", "timestamp", "seconds", (json_int_t)now.tv_sec,
			  "microseconds", (json_int_t)(now.tv_nsec / 1000), "event", name);
	if (event && data)
		json_object_set(event, "data", data);
	json_decref(data);
	line = control_line(event, &size);
	for (size_t i = 0; i < CLIENTS; i++) {
		struct control_client *client = &control->clients[i];

		if (client->fd < 0 || client->over || !control_session_hears(client->session))
			continue;
		server_send(client, line, size);
		if (!client->busy)
			server_settle(client);
	}
	free(line);
}

void control_tell_stop(struct control *control)
{
	if (control)
		server_tell(control, "STOP", NULL);
}

void control_tell_resume(struct control *control)
{
	if (control)
		server_tell(control, "RESUME", NULL);
}

void control_tell_power_down(struct control *control)
{
	if (control)
		server_tell(control, "POWERDOWN", NULL);
}

static json_t *server_cause(enum control_reason reason)
{
	static const struct {
		bool guest;
		const char *name;
	} causes[] = {
		[CONTROL_GUEST_SHUTDOWN] = {true, "guest-shutdown"},
		[CONTROL_GUEST_RESET] = {true, "guest-reset"},
		[CONTROL_GUEST_PANIC] = {true, "guest-panic"},
		[CONTROL_HOST_ERROR] = {false, "host-error"},
		[CONTROL_HOST_SIGNAL] = {false, "host-signal"},
		[CONTROL_HOST_UI] = {false, "host-ui"},
		[CONTROL_HOST_QUIT] = {false, "host-qmp-quit"},
		[CONTROL_HOST_RESET] = {false, "host-qmp-system-reset"},
	};

	return json_pack("{s:b, s:s}", "guest", causes[reason].guest, "reason",
			 causes[reason].name);
}

void control_tell_reset(struct control *control, enum control_reason reason)
{
	if (control)
		server_tell(control, "RESET", server_cause(reason));
}

void control_tell_shutdown(struct control *control, enum control_reason reason)
{
	if (control)
		server_tell(control, "SHUTDOWN", server_cause(reason));
}

void control_tell_panic(struct control *control, bool ends)
{
	if (control)
		server_tell(control, "GUEST_PANICKED",
			    json_pack("{s:s}", "action", ends ? "poweroff" : "pause"));
}
