/* SPDX-License-Identifier: BSD-3-Clause */
/* The gdb server on the event loop: who is connected, and the bytes on their way in and out. */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/debug/gdb/caller.h"
#include "vmm/debug/gdb/gdb.h"
#include "vmm/debug/gdb/listen.h"
#include "vmm/debug/gdb/peer.h"
#include "vmm/debug/gdb/session.h"

enum {
	INPUT_SIZE = GDB_CALLER_INPUT,
	OUTPUT_HIGH =
		64 * 1024, /* bytes that wait to be read before the debugger is listened to again */
};

struct gdb {
	struct loop *loop;
	struct gdb_session *session;
	struct gdb_listener listener;
	struct gdb_callers *callers; /* not with a pty; none while a debugger is connected */
	int retry;                   /* a timer: the listener is listened to again */
	struct log_limit limit;      /* of those who were shut out */
	bool deaf;                   /* it is not, for lack of something */
	int fd; /* of the debugger that is connected, or -1; the listener's own with a pty */
	uint32_t events; /* it is in the loop for these, 0: it is not */
	bool over;    /* the debugger has said that it goes, or there is no memory to answer it */
	bool feeding; /* the session is at work, and may hear of a stop in there */
	bool broken;  /* nothing more can be sent */
	size_t input_at, input_count;
	uint8_t input[INPUT_SIZE];
	size_t output_at, output_count, output_room;
	uint8_t *output;
};

static void server_ready(void *owner, uint32_t events);

static bool server_is_pty(const struct gdb *gdb)
{
	return gdb->listener.address.kind == GDB_ADDRESS_PTY;
}

static size_t server_output_left(const struct gdb *gdb)
{
	return gdb->output_count - gdb->output_at;
}

static ssize_t server_write(struct gdb *gdb)
{
	const uint8_t *from = gdb->output + gdb->output_at;

	return server_is_pty(gdb) ? write(gdb->fd, from, server_output_left(gdb))
				  : send(gdb->fd, from, server_output_left(gdb), MSG_NOSIGNAL);
}

static void server_flush(struct gdb *gdb)
{
	while (server_output_left(gdb) > 0 && !gdb->broken) {
		ssize_t n = server_write(gdb);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			gdb->broken = true;
		else
			gdb->output_at += (size_t)n;
	}
	gdb->output_at = gdb->output_count = 0;
}

static bool server_output_grow(struct gdb *gdb, size_t size)
{
	size_t room = gdb->output_count + size;
	uint8_t *output;

	if (room <= gdb->output_room)
		return true;
	output = realloc(gdb->output, 2 * room);
	if (!output)
		return false;
	gdb->output = output;
	gdb->output_room = 2 * room;
	return true;
}

static void server_send(void *owner, const uint8_t *bytes, size_t size)
{
	struct gdb *gdb = owner;

	if (gdb->broken)
		return;
	if (gdb->output_at > 0) {
		memmove(gdb->output, gdb->output + gdb->output_at, server_output_left(gdb));
		gdb->output_count -= gdb->output_at;
		gdb->output_at = 0;
	}
	if (!server_output_grow(gdb, size)) {
		gdb->broken = gdb->over = true;
		return;
	}
	memcpy(gdb->output + gdb->output_count, bytes, size);
	gdb->output_count += size;
}

static void server_part(void *owner)
{
	struct gdb *gdb = owner;

	gdb->over = true;
}

static void server_watch(struct gdb *gdb, uint32_t events)
{
	struct err err = {0};

	if (events == gdb->events)
		return;
	if (gdb->events)
		loop_remove(gdb->loop, gdb->fd);
	gdb->events = 0;
	if (!events)
		return;
	if (loop_add(gdb->loop, gdb->fd, events, server_ready, gdb, &err) == 0)
		gdb->events = events;
	else
		log_error("--gdb: %s", err.text);
}

static void server_await(struct gdb *gdb, bool stale);

/* The connection has ended: @stale when the other side is no longer there to read. */
static void server_drop(struct gdb *gdb, bool stale)
{
	gdb_session_end(gdb->session);
	server_watch(gdb, 0);
	gdb->input_at = gdb->input_count = 0;
	gdb->output_at = gdb->output_count = 0;
	if (!server_is_pty(gdb))
		fd_close(&gdb->fd);
	gdb->fd = -1;
	gdb->over = gdb->broken = false;
	server_await(gdb, stale);
}

static bool server_output_is_high(const struct gdb *gdb)
{
	return server_output_left(gdb) >= OUTPUT_HIGH;
}

/*
 * Who is there is a debugger when a packet begins: on a pseudo-terminal there may be an
 * acknowledgement left of the debugger before, and what echoes.
 */
static void server_hear(struct gdb *gdb)
{
	const uint8_t *packet = memchr(gdb->input, '$', gdb->input_count);

	if (gdb_session_active(gdb->session) || gdb->over)
		return;
	gdb->input_at = packet ? (size_t)(packet - gdb->input) : gdb->input_count;
	if (packet)
		gdb_session_begin(gdb->session);
}

/*
 * Whether there is input that the session takes. A debugger that reads no answers is not listened
 * to.
 */
static bool server_can_feed(const struct gdb *gdb)
{
	return gdb->input_at < gdb->input_count && gdb_session_ready(gdb->session) &&
	       !server_output_is_high(gdb);
}

static void server_feed(struct gdb *gdb)
{
	gdb->feeding = true;
	server_hear(gdb);
	do {
		while (server_can_feed(gdb))
			gdb_session_take(gdb->session, gdb->input[gdb->input_at++]);
		server_flush(gdb);
	} while (server_can_feed(gdb));
	gdb->feeding = false;
	if (gdb->over || gdb->input_at == gdb->input_count)
		gdb->input_at = gdb->input_count = 0;
}

/* What the loop is to tell of next, or the end. */
static void server_settle(struct gdb *gdb)
{
	uint32_t events = 0;

	if (gdb->fd < 0)
		return;
	if (gdb->over) {
		server_drop(gdb, false);
		return;
	}
	if (gdb->input_count < sizeof(gdb->input) && !server_output_is_high(gdb))
		events |= EPOLLIN;
	if (server_output_left(gdb) > 0)
		events |= EPOLLOUT;
	server_watch(gdb, events ? events : EPOLLHUP);
	if (!gdb->events)
		server_drop(gdb, true);
}

/* Reads once; false when the other side is gone and everything it said has been read. */
static bool server_read(struct gdb *gdb)
{
	size_t room = sizeof(gdb->input) - gdb->input_count;
	ssize_t n;

	if (room == 0)
		return true;
	n = read(gdb->fd, gdb->input + gdb->input_count, room);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	gdb->input_count += (size_t)n;
	return n > 0;
}

static void server_ready(void *owner, uint32_t events)
{
	struct gdb *gdb = owner;
	bool there;

	if (events & (EPOLLHUP | EPOLLERR))
		gdb->broken = true; /* but its last words, a kill perhaps, are still to be read */
	server_flush(gdb);
	there = server_read(gdb);
	server_feed(gdb);
	/* With the other side gone, what the session does not take now would wait for ever. */
	if (!gdb->over && (!there || (gdb->broken && gdb->input_count > 0))) {
		server_drop(gdb, true);
		return;
	}
	server_settle(gdb);
}

static bool server_is_peer_gone(int fd)
{
	struct pollfd peer = {.fd = fd, .events = POLLRDHUP};

	return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/*
 * A debugger that left may not have been noticed yet: its last words come before the next debugger.
 */
static void server_bury(struct gdb *gdb)
{
	while (gdb->fd >= 0 && server_is_peer_gone(gdb->fd))
		server_ready(gdb, EPOLLHUP);
}

/* Of those who connected this one has shown to be a debugger. */
static void server_take(void *owner, int fd, const uint8_t *bytes, size_t size, uint32_t events)
{
	struct gdb *gdb = owner;

	gdb->fd = fd;
	memcpy(gdb->input, bytes, size);
	gdb->input_count = size;
	server_ready(gdb, events & (EPOLLHUP | EPOLLERR));
}

/* Whether it is of a user's who may have the guest; a Unix socket's mode has seen to that. */
static bool server_admits(struct gdb *gdb, int fd)
{
	int rc = gdb->listener.address.kind == GDB_ADDRESS_TCP ? gdb_peer_check(fd) : 0;

	if (rc == -EPERM)
		log_guest(&gdb->limit, LOG_WARN,
			  "--gdb %s: another user of this machine connected, and was shut out: "
			  "start gdb as the user that Ferry runs as, or as root",
			  gdb->listener.name);
	else if (rc && rc != -ESRCH && rc != -ENOTCONN)
		log_guest(&gdb->limit, LOG_WARN,
			  "--gdb %s: it cannot be told whose a connection is, and it was shut out: "
			  "%s: use --gdb unix:PATH",
			  gdb->listener.name, err_text(rc));
	return !rc;
}

/* A connection that waits would wake the loop for ever: it is looked at again in a while. */
static void server_turn_deaf(struct gdb *gdb, int rc)
{
	const struct itimerspec soon = {.it_value.tv_sec = 1};

	if (!gdb->deaf)
		log_error("--gdb %s: no debugger can connect: %s: it is tried again each second",
			  gdb->listener.name, err_text(rc));
	gdb->deaf = true;
	loop_remove(gdb->loop, gdb->listener.fd);
	timerfd_settime(gdb->retry, 0, &soon, NULL);
}

/* One debugger at a time: another is shut out at once rather than left to wait without a word. */
static void server_accept(void *owner, uint32_t events)
{
	struct gdb *gdb = owner;
	int fd = gdb_listener_accept(&gdb->listener);

	(void)events;
	if (fd == -EAGAIN)
		return;
	if (fd < 0) {
		server_turn_deaf(gdb, fd);
		return;
	}
	gdb->deaf = false;
	server_bury(gdb);
	if (gdb->fd < 0 && server_admits(gdb, fd)) {
		gdb_callers_add(gdb->callers, fd);
		return;
	}
	if (gdb->fd >= 0)
		log_info("--gdb: another debugger was shut out");
	fd_close(&fd);
}

static void server_retry(void *owner, uint32_t events)
{
	struct gdb *gdb = owner;
	struct err err = {0};

	(void)events;
	(void)fd_take(gdb->retry);
	if (loop_add(gdb->loop, gdb->listener.fd, EPOLLIN, server_accept, gdb, &err))
		server_turn_deaf(gdb, err.code);
}

/* Somebody has opened the pseudo-terminal and writes. From now on it tells when they close it. */
static void server_pty_ready(void *owner, uint32_t events)
{
	struct gdb *gdb = owner;

	loop_remove(gdb->loop, gdb->listener.fd);
	gdb_listener_let_go(&gdb->listener);
	gdb->fd = gdb->listener.fd;
	server_ready(gdb, events);
}

/* A socket listens all the time; a pseudo-terminal has to be made ready again. */
static void server_await(struct gdb *gdb, bool stale)
{
	struct err err = {0};
	int rc;

	if (!server_is_pty(gdb))
		return;
	rc = gdb_listener_hold(&gdb->listener, stale);
	if (rc)
		err_set(&err, rc, "%s", err_text(rc));
	else
		rc = loop_add(gdb->loop, gdb->listener.fd, EPOLLIN, server_pty_ready, gdb, &err);
	if (rc)
		log_error("--gdb pty: no debugger can connect any more: %s", err.text);
}

/* What a socket needs beside its listener, before anybody comes. */
static int server_prepare(struct gdb *gdb, struct err *err)
{
	gdb->callers = gdb_callers_create(gdb->loop, server_take, gdb);
	if (!gdb->callers)
		return err_set(err, -ENOMEM, "--gdb: out of memory");
	gdb->retry = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (gdb->retry < 0)
		return err_set(err, -errno, "--gdb: no timer: %s", err_text(errno));
	if (loop_add(gdb->loop, gdb->retry, EPOLLIN, server_retry, gdb, err))
		return err_prefix(err, "--gdb");
	return 0;
}

static int server_listen(struct gdb *gdb, const char *address, struct err *err)
{
	int rc = gdb_listener_open(&gdb->listener, address, err);

	if (!rc && !server_is_pty(gdb))
		rc = server_prepare(gdb, err);
	if (!rc && loop_add(gdb->loop, gdb->listener.fd, EPOLLIN,
			    server_is_pty(gdb) ? server_pty_ready : server_accept, gdb, err))
		rc = err_prefix(err, "--gdb %s", address);
	return rc;
}

struct gdb *gdb_create(const char *address, struct loop *loop, struct debug *target,
		       struct err *err)
{
	struct gdb *gdb = calloc(1, sizeof(*gdb));
	const struct gdb_link link = {.send = server_send, .part = server_part, .owner = gdb};

	if (!gdb) {
		err_set(err, -ENOMEM, "--gdb: out of memory");
		return NULL;
	}
	gdb->loop = loop;
	gdb->fd = gdb->retry = gdb->listener.fd = -1;
	gdb->session = gdb_session_create(target, &link, err);
	if (!gdb->session || server_listen(gdb, address, err)) {
		gdb_destroy(gdb);
		return NULL;
	}
	log_say("in gdb: target remote %s", gdb->listener.name);
	if (!gdb_listener_is_local(&gdb->listener))
		log_warn("--gdb %s: whoever can connect from elsewhere owns the guest", address);
	return gdb;
}

void gdb_destroy(struct gdb *gdb)
{
	if (!gdb)
		return;
	if (gdb->events)
		loop_remove(gdb->loop, gdb->fd);
	loop_remove(gdb->loop, gdb->listener.fd);
	loop_remove(gdb->loop, gdb->retry);
	fd_close(&gdb->retry);
	gdb_callers_destroy(gdb->callers);
	if (!server_is_pty(gdb))
		fd_close(&gdb->fd);
	gdb_listener_close(&gdb->listener);
	gdb_session_destroy(gdb->session);
	free(gdb->output);
	free(gdb);
}

bool gdb_attached(const struct gdb *gdb)
{
	return gdb_session_active(gdb->session);
}

void gdb_halt(struct gdb *gdb)
{
	gdb_session_halt(gdb->session);
}

/* What waited for the guest to stand goes on. */
static void server_go_on(struct gdb *gdb)
{
	if (gdb->fd < 0 || gdb->feeding)
		return;
	server_feed(gdb);
	server_settle(gdb);
}

void gdb_stopped(struct gdb *gdb, const struct gdb_stop *stop)
{
	gdb_session_stopped(gdb->session, stop);
	server_go_on(gdb);
}

void gdb_exited(struct gdb *gdb, int status, int signal)
{
	gdb_session_exited(gdb->session, status, signal);
	server_go_on(gdb);
}
