/* SPDX-License-Identifier: BSD-3-Clause */
/* One client's conversation: the greeting, the negotiation, requests and their answers. */

#include "vmm/control/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/control/commands.h"
#include "vmm/control/frame.h"
#include "vmm/control/line.h"

/* A request whose answer comes later. */
struct session_wait {
	struct control_session *session; /* NULL: gone, and nobody is answered */
	json_t *id;
};

struct control_session {
	const struct control_target *target;
	struct control_link link;
	bool negotiated;
	struct control_passed passed;
	json_t *id;                /* of the request that is being carried out, or NULL */
	struct session_wait *wait; /* it takes its time */
	struct control_frame frame;
};

struct control_session *control_session_create(const struct control_target *target,
					       const struct control_link *link)
{
	struct control_session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->target = target;
	session->link = *link;
	session->passed.waiting = -1;
	session->passed.all = link->passed;
	return session;
}

void control_session_destroy(struct control_session *session)
{
	if (!session)
		return;
	if (session->wait)
		session->wait->session = NULL;
	control_passed_release(&session->passed);
	free(session);
}

void control_session_bring(struct control_session *session, int fd, enum control_arrival arrival)
{
	control_passed_bring(&session->passed, fd, arrival);
}

bool control_session_waits(const struct control_session *session)
{
	return session->wait;
}

bool control_session_hears(const struct control_session *session)
{
	return session->negotiated;
}

/* Sends @root as a line, and drops it. */
static void session_send(struct control_session *session, json_t *root)
{
	size_t size = 0;
	char *line = control_line(root, &size);

	session->link.send(session->link.owner, line, size);
	free(line);
}

/* An answer with the request's @id, where it has one; drops @answer. */
static void session_answer(struct control_session *session, json_t *answer, json_t *id)
{
	if (answer && id && json_object_set(answer, "id", id)) {
		json_decref(answer);
		answer = NULL;
	}
	session_send(session, answer);
}

static const char *session_error_class(int rc)
{
	switch (rc) {
	case CONTROL_NO_COMMAND:
		return "CommandNotFound";
	case CONTROL_NO_DEVICE:
		return "DeviceNotFound";
	default:
		return "GenericError";
	}
}

static void session_refuse(struct control_session *session, int rc, const struct err *err,
			   json_t *id)
{
	session_answer(session,
		       json_pack("{s:{s:s, s:o}}", "error", "class", session_error_class(rc),
				 "desc", control_text(err->text)),
		       id);
}

static void *session_defer(void *owner)
{
	struct control_session *session = owner;
	struct session_wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return NULL;
	wait->session = session;
	wait->id = json_incref(session->id);
	session->wait = wait;
	return wait;
}

static void session_done(void *owner, const struct err *err)
{
	struct session_wait *wait = owner;
	struct control_session *session = wait->session;

	if (session && err)
		session_refuse(session, -EIO, err, wait->id);
	else if (session)
		session_answer(session, json_pack("{s:{}}", "return"), wait->id);
	json_decref(wait->id);
	free(wait);
	if (!session)
		return;
	session->wait = NULL;
	session->link.go_on(session->link.owner);
}

void control_session_begin(struct control_session *session)
{
	session_send(session, json_pack("{s:{s:o, s:[]}}", "QMP", "version", control_version(),
					"capabilities"));
}

/* What a request may have beside its command. */
static int session_check_members(json_t *request, struct err *err)
{
	static const char *const members[] = {"execute", "arguments", "id"};
	const char *name;
	json_t *value;

	json_object_foreach(request, name, value) {
		size_t i = 0;

		while (i < ARRAY_SIZE(members) && strcmp(name, members[i]) != 0)
			i++;
		if (i == ARRAY_SIZE(members))
			return err_set(
				err, -EINVAL,
				"'%.80s' is no member of a request: it has execute, arguments "
				"and id",
				control_printable(name).text);
	}
	value = json_object_get(request, "execute");
	if (!json_is_string(value))
		return err_set(
			err, -EINVAL, "%s",
			value ? "execute is no string: it is the name of a command"
			      : "the request has no execute, which is the name of a command");
	value = json_object_get(request, "arguments");
	if (value && !json_is_object(value))
		return err_set(err, -EINVAL, "arguments is no object");
	return 0;
}

static void session_carry_out(struct control_session *session, json_t *request)
{
	const struct control_caller caller = {
		.target = session->target,
		.negotiated = session->negotiated,
		.passed = &session->passed,
		.defer = session_defer,
		.done = session_done,
		.owner = session,
	};
	json_t *answer = NULL;
	struct err err = {0};
	const char *name;
	int rc = session_check_members(request, &err);

	session->id = json_object_get(request, "id");
	if (!rc) {
		name = json_string_value(json_object_get(request, "execute"));
		rc = control_command(&caller, name, json_object_get(request, "arguments"), &answer,
				     &err);
		if (!rc && strcmp(name, control_negotiates) == 0)
			session->negotiated = true;
	}
	if (rc < 0)
		session_refuse(session, rc, &err, session->id);
	else if (rc != CONTROL_LATER)
		session_answer(session, answer ? json_pack("{s:o}", "return", answer) : NULL,
			       session->id);
	session->id = NULL;
}

static void session_take_object(struct control_session *session)
{
	struct control_frame *frame = &session->frame;
	struct err err = {0};
	json_error_t error;
	json_t *request = json_loadb(frame->bytes, frame->size, JSON_REJECT_DUPLICATES, &error);

	if (request) {
		session_carry_out(session, request);
		json_decref(request);
	} else {
		err_set(&err, -EINVAL, "no JSON: at byte %d: %s", error.position,
			control_printable(error.text).text);
		session_refuse(session, err.code, &err, NULL);
	}
}

void control_session_take(struct control_session *session, char byte)
{
	enum control_input input = control_frame_take(&session->frame, byte);
	struct err err = {0};

	switch (input) {
	case CONTROL_INPUT_MORE:
		return;
	case CONTROL_INPUT_OBJECT:
		session_take_object(session);
		return;
	case CONTROL_INPUT_JUNK:
		err_set(&err, -EINVAL, "a request is a JSON object, as {\"execute\": \"%s\"}",
			control_negotiates);
		break;
	case CONTROL_INPUT_TOO_LONG:
		err_set(&err, -E2BIG, "the request is too long: %d bytes are the most",
			CONTROL_FRAME_MAX);
		break;
	case CONTROL_INPUT_TOO_DEEP:
		err_set(&err, -E2BIG, "the request is too deep: %d brackets are the most",
			CONTROL_DEPTH_MAX);
		break;
	}
	session_refuse(session, err.code, &err, NULL);
	if (input != CONTROL_INPUT_JUNK)
		session->link.part(session->link.owner);
}
