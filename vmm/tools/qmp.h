/* SPDX-License-Identifier: BSD-3-Clause */
/* A client of a running monitor's control socket: commands, their answers, and events. */

#ifndef FERRY_VMM_TOOLS_QMP_H
#define FERRY_VMM_TOOLS_QMP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "vmm/base/err.h"

enum { QMP_FOR_EVER = -1 };

struct qmp {
	int fd;
	int timeout; /* milliseconds that an answer may take */
	size_t at, count, room;
	char *input;
	bool keeps_events; /* those before an answer are the next, and not dropped */
	json_t *events;
};

/*
 * Connects to the socket at @path, and negotiates. On failure there is nothing to close, and @err
 * names the path: -ECONNREFUSED or -ENOENT when no monitor is there, -ENOTSOCK when that is no
 * socket.
 */
int qmp_open(struct qmp *qmp, const char *path, int timeout, struct err *err) FERRY_MUST_CHECK;

/*
 * The same by a link of the list of monitors: -ESRCH when another process than @pid, as numbers are
 * here, listens there.
 */
int qmp_open_process(struct qmp *qmp, const char *path, pid_t pid, int timeout,
		     struct err *err) FERRY_MUST_CHECK;
void qmp_close(struct qmp *qmp);

/*
 * Has @command carried out with @arguments, which it drops (NULL: none); *@answer is the caller's.
 * Open @fd (-1: none) goes along, and stays the caller's. -ENODATA: the monitor ended first,
 * -EPROTO: it refused, in its own words.
 */
int qmp_execute_with(struct qmp *qmp, const char *command, json_t *arguments, int fd,
		     json_t **answer, struct err *err) FERRY_MUST_CHECK;

/* The same with neither. */
int qmp_execute(struct qmp *qmp, const char *command, json_t **answer,
		struct err *err) FERRY_MUST_CHECK;

/* Waits for the next event, which is the caller's; -ENODATA at the monitor's end. */
int qmp_next_event(struct qmp *qmp, json_t **event, struct err *err) FERRY_MUST_CHECK;

#endif
