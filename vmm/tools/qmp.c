/* SPDX-License-Identifier: BSD-3-Clause */
/* A client of a running monitor's control socket: commands, their answers, and events. */

#include "vmm/tools/qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/local.h"
#include "vmm/base/log.h"

enum { READ_SIZE = 4096, INPUT_MAX = 16 * 1024 * 1024 };

/* A monitor greets at once, unless it is still being built, which all its memory may take long. */
enum { QMP_GREETING_MS = 5000 };

/* Reads more; -ENODATA when there is no more. */
static int qmp_fill(struct qmp *qmp, struct err *err)
{
	struct pollfd ready = {.fd = qmp->fd, .events = POLLIN};
	ssize_t n;

	if (qmp->count >= INPUT_MAX)
		return err_set(err, -EPROTO, "a line has no end");
	if (qmp->count + READ_SIZE > qmp->room) {
		char *input = realloc(qmp->input, 2 * qmp->room + READ_SIZE);

		if (!input)
			return err_set(err, -ENOMEM, "out of memory");
		qmp->input = input;
		qmp->room = 2 * qmp->room + READ_SIZE;
	}
	do
		n = poll(&ready, 1, qmp->timeout);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_set(err, -ETIMEDOUT, "it does not answer");
	do
		n = read(qmp->fd, qmp->input + qmp->count, READ_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != ECONNRESET)
		return err_set(err, -errno, "%s", err_text(errno));
	if (n <= 0)
		return err_set(err, -ENODATA, "the monitor has ended");
	qmp->count += (size_t)n;
	return 0;
}

static int qmp_refuse_other(struct err *err)
{
	return err_set(err, -EPROTO, "what is there does not speak QMP");
}

/* What is no object may have no end either. */
static bool qmp_begins_object(const struct qmp *qmp)
{
	static const char begins[] = {'{', ' ', '\t', '\r', '\n'};

	return qmp->count == 0 || memchr(begins, qmp->input[0], sizeof(begins));
}

/* The next object that it sends, the caller's; *@object stays as it is where there is none. */
static int qmp_read(struct qmp *qmp, json_t **object, struct err *err)
{
	char *end = NULL;
	json_t *found;
	int rc = 0;

	if (qmp->at) {
		memmove(qmp->input, qmp->input + qmp->at, qmp->count - qmp->at);
		qmp->count -= qmp->at;
		qmp->at = 0;
	}
	while (!rc && !(end = qmp->count ? memchr(qmp->input, '\n', qmp->count) : NULL))
		rc = qmp_begins_object(qmp) ? qmp_fill(qmp, err) : qmp_refuse_other(err);
	if (rc)
		return rc;
	qmp->at = (size_t)(end - qmp->input) + 1;
	found = json_loadb(qmp->input, qmp->at, 0, NULL);
	if (json_is_object(found)) {
		*object = found;
		return 0;
	}
	json_decref(found);
	return qmp_refuse_other(err);
}

/* One message, with @fd unless that is -1. */
static ssize_t qmp_send_bytes(int socket, char *text, size_t size, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fd))];
	} control = {.header = {.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS,
				.cmsg_len = CMSG_LEN(sizeof(fd))}};
	struct iovec bytes = {.iov_base = text, .iov_len = size};
	struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL);
}

static int qmp_send(struct qmp *qmp, json_t *request, int fd, struct err *err)
{
	char *line = json_dumps(request, JSON_ENSURE_ASCII);
	size_t size = line ? strlen(line) : 0;
	ssize_t sent = 0;
	int rc = 0;

	if (!line)
		return err_set(err, -ENOMEM, "out of memory");
	line[size++] = '\n';
	/* The descriptor goes with the first bytes. */
	for (size_t at = 0; at < size && sent >= 0; at += (size_t)sent)
		sent = qmp_send_bytes(qmp->fd, line + at, size - at, at ? -1 : fd);
	/* What it has said before it ended is read all the same. */
	if (sent < 0 && errno != EPIPE)
		rc = err_set(err, -errno, "%s", err_text(errno));
	free(line);
	return rc;
}

static int qmp_refused(json_t *error, struct err *err)
{
	const char *why = json_string_value(json_object_get(error, "desc"));

	return err_set(err, -EPROTO, "%s", why ? why : "it refuses, without a reason");
}

static int qmp_await_answer(struct qmp *qmp, json_t **answer, struct err *err)
{
	json_t *object, *error;
	int rc;

	for (;;) {
		rc = qmp_read(qmp, &object, err);
		if (rc)
			return rc;
		*answer = json_incref(json_object_get(object, "return"));
		error = json_object_get(object, "error");
		rc = error ? qmp_refused(error, err) : 0;
		if (qmp->keeps_events && json_is_string(json_object_get(object, "event")))
			json_array_append(qmp->events, object);
		json_decref(object);
		if (rc || *answer)
			return rc;
	}
}

int qmp_execute_with(struct qmp *qmp, const char *command, json_t *arguments, int fd,
		     json_t **answer, struct err *err)
{
	json_t *request = json_pack("{s:s}", "execute", command);
	int rc;

	if (arguments)
		json_object_set_new(request, "arguments", arguments);
	rc = qmp_send(qmp, request, fd, err);
	json_decref(request);
	*answer = NULL;
	return rc ? rc : qmp_await_answer(qmp, answer, err);
}

int qmp_execute(struct qmp *qmp, const char *command, json_t **answer, struct err *err)
{
	return qmp_execute_with(qmp, command, NULL, -1, answer, err);
}

int qmp_next_event(struct qmp *qmp, json_t **event, struct err *err)
{
	*event = json_incref(json_array_get(qmp->events, 0));
	if (*event) {
		json_array_remove(qmp->events, 0);
		return 0;
	}
	for (;;) {
		int rc = qmp_read(qmp, event, err);

		if (rc || json_is_string(json_object_get(*event, "event")))
			return rc;
		json_decref(*event);
		*event = NULL;
	}
}

/* Who waits for ever is told that it does, once. */
static void qmp_tell_waiting(const struct qmp *qmp, const char *path)
{
	struct pollfd ready = {.fd = qmp->fd, .events = POLLIN};

	if (qmp->timeout == QMP_FOR_EVER && poll(&ready, 1, QMP_GREETING_MS) == 0)
		log_notice("%s: it is waited for: what listens there says nothing, as a monitor "
			   "that is not built yet does, or one that stands still: Ctrl-C ends this",
			   path);
}

static int qmp_greet(struct qmp *qmp, const char *path, struct err *err)
{
	json_t *object = NULL;
	int rc;

	qmp_tell_waiting(qmp, path);
	rc = qmp_read(qmp, &object, err);
	if (!rc && !json_is_object(json_object_get(object, "QMP")))
		rc = qmp_refuse_other(err);
	json_decref(object);
	if (rc)
		return rc;
	rc = qmp_execute(qmp, "qmp_capabilities", &object, err);
	if (!rc)
		json_decref(object);
	return rc;
}

static int qmp_connect(struct qmp *qmp, const char *path, struct err *err)
{
	struct sockaddr_un address;
	int rc = *path ? local_address(path, &address, err)
		       : err_set(err, -EINVAL, "'': give the PATH of a run's --control unix:PATH");

	if (rc)
		return rc;
	qmp->fd = local_connect(&address, 0);
	if (qmp->fd >= 0)
		return 0;
	if (qmp->fd == -ECONNREFUSED && local_is_other(path))
		return err_set(err, -ENOTSOCK,
			       "it is no socket: give the PATH of a run's --control unix:PATH");
	if (qmp->fd == -EPROTOTYPE)
		return err_set(err, qmp->fd, "it is a socket of another kind than a monitor's");
	if (qmp->fd == -ECONNREFUSED)
		return err_set(err, qmp->fd, "no monitor listens there any more");
	if (qmp->fd == -EAGAIN)
		return err_set(err, qmp->fd, "too many wait to be let in: try again");
	return err_set(err, qmp->fd, "%s%s", err_text(qmp->fd),
		       qmp->fd == -ENOENT ? ": give the PATH of a run's --control unix:PATH" : "");
}

/* A socket that a killed monitor left has been replaced by another one's, perhaps. */
static int qmp_check_process(struct qmp *qmp, pid_t pid, struct err *err)
{
	int rc = local_check_process(qmp->fd, pid);

	if (rc == -ESRCH || rc == -EPERM)
		return err_set(err, -ESRCH,
			       "process %d listens there no more, but another: see ferry list",
			       (int)pid);
	return rc ? err_set(err, rc, "it cannot be told who listens there: %s", err_text(rc)) : 0;
}

/* Of whatever process where @pid is 0. */
static int qmp_open_checked(struct qmp *qmp, const char *path, pid_t pid, int timeout,
			    struct err *err)
{
	int rc;

	*qmp = (struct qmp){.fd = -1, .timeout = timeout, .events = json_array()};
	rc = qmp_connect(qmp, path, err);
	if (!rc && pid)
		rc = qmp_check_process(qmp, pid, err);
	if (!rc)
		rc = qmp_greet(qmp, path, err);
	if (!rc)
		return 0;
	/* One that is shut out is told nothing. */
	if (rc == -ENODATA)
		err_set(err, rc, "it let nobody in: another user's, or too many are there");
	if (*path)
		err_prefix(err, "%s", path);
	qmp_close(qmp);
	return rc;
}

int qmp_open(struct qmp *qmp, const char *path, int timeout, struct err *err)
{
	return qmp_open_checked(qmp, path, 0, timeout, err);
}

int qmp_open_process(struct qmp *qmp, const char *path, pid_t pid, int timeout, struct err *err)
{
	return qmp_open_checked(qmp, path, pid, timeout, err);
}

void qmp_close(struct qmp *qmp)
{
	if (qmp->fd >= 0)
		fd_close(&qmp->fd);
	free(qmp->input);
	json_decref(qmp->events);
	*qmp = (struct qmp){.fd = -1};
}
