/* SPDX-License-Identifier: BSD-3-Clause */
/* Listens to several connections at once for the first whole packet of gdb's protocol. */

#include "vmm/debug/gdb/caller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/debug/gdb/packet.h"

enum { CALLERS = 4, INTERRUPT = 0x03 };

struct caller {
	struct gdb_callers *callers;
	int fd; /* -1: free */
	uint64_t turn;
	size_t size;
	uint8_t bytes[GDB_CALLER_INPUT];
};

struct gdb_callers {
	struct loop *loop;
	gdb_caller_spoke spoke;
	void *owner;
	uint64_t turns;
	struct log_limit limit;
	struct gdb_parser parser;
	struct caller list[CALLERS];
};

enum speech { SPEECH_NONE, SPEECH_PACKET, SPEECH_FOREIGN };

/*
 * A browser can be made to post to the port, with a packet in what it posts; so nothing is passed
 * over before the first packet but what a debugger may send there.
 */
static enum speech caller_judge(struct gdb_parser *parser, const struct caller *caller)
{
	*parser = (struct gdb_parser){0};
	for (size_t i = 0; i < caller->size; i++) {
		uint8_t byte = caller->bytes[i];

		if (parser->state == GDB_BETWEEN && byte != '$' && byte != '+' && byte != INTERRUPT)
			return SPEECH_FOREIGN;
		switch (gdb_parser_take(parser, byte)) {
		case GDB_INPUT_PACKET:
			return SPEECH_PACKET;
		case GDB_INPUT_DAMAGED:
		case GDB_INPUT_BAD:
			return SPEECH_FOREIGN;
		default:
			break;
		}
	}
	return caller->size == sizeof(caller->bytes) ? SPEECH_FOREIGN : SPEECH_NONE;
}

static void caller_drop(struct caller *caller)
{
	if (caller->fd < 0)
		return;
	loop_remove(caller->callers->loop, caller->fd);
	fd_close(&caller->fd);
}

static void caller_drop_all(struct gdb_callers *callers)
{
	for (size_t i = 0; i < CALLERS; i++)
		caller_drop(&callers->list[i]);
}

static void caller_is_debugger(struct caller *caller, uint32_t events)
{
	struct gdb_callers *callers = caller->callers;
	int fd = caller->fd;

	loop_remove(callers->loop, fd);
	caller->fd = -1;
	caller_drop_all(callers);
	callers->spoke(callers->owner, fd, caller->bytes, caller->size, events);
}

static void caller_ready(void *owner, uint32_t events)
{
	struct caller *caller = owner;
	ssize_t n = read(caller->fd, caller->bytes + caller->size,
			 sizeof(caller->bytes) - caller->size);

	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !(events & (EPOLLHUP | EPOLLERR)))
		return;
	if (n <= 0) {
		caller_drop(caller);
		return;
	}
	caller->size += (size_t)n;
	switch (caller_judge(&caller->callers->parser, caller)) {
	case SPEECH_NONE:
		break;
	case SPEECH_PACKET:
		caller_is_debugger(caller, events);
		break;
	case SPEECH_FOREIGN:
		log_guest(
			&caller->callers->limit, LOG_WARN,
			"--gdb: somebody who connected does not speak gdb's protocol, and was shut out");
		caller_drop(caller);
		break;
	}
}

struct gdb_callers *gdb_callers_create(struct loop *loop, gdb_caller_spoke spoke, void *owner)
{
	struct gdb_callers *callers = calloc(1, sizeof(*callers));

	if (!callers)
		return NULL;
	callers->loop = loop;
	callers->spoke = spoke;
	callers->owner = owner;
	for (size_t i = 0; i < CALLERS; i++) {
		callers->list[i].callers = callers;
		callers->list[i].fd = -1;
	}
	return callers;
}

void gdb_callers_destroy(struct gdb_callers *callers)
{
	if (!callers)
		return;
	caller_drop_all(callers);
	free(callers);
}

/* A free one, or the one that has been silent longest. */
static struct caller *caller_choose(struct gdb_callers *callers)
{
	struct caller *oldest = &callers->list[0];

	for (size_t i = 0; i < CALLERS; i++) {
		if (callers->list[i].fd < 0)
			return &callers->list[i];
		if (callers->list[i].turn < oldest->turn)
			oldest = &callers->list[i];
	}
	return oldest;
}

void gdb_callers_add(struct gdb_callers *callers, int fd)
{
	struct caller *caller = caller_choose(callers);
	struct err err = {0};

	caller_drop(caller);
	if (loop_add(callers->loop, fd, EPOLLIN, caller_ready, caller, &err)) {
		log_error("--gdb: %s", err.text);
		fd_close(&fd);
		return;
	}
	caller->fd = fd;
	caller->size = 0;
	caller->turn = callers->turns++;
}
