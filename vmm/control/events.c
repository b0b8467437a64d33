/* SPDX-License-Identifier: BSD-3-Clause */
/* The events of the control socket: their names and what they tell. */

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "vmm/control/control_private.h"
#include "vmm/control/line.h"

/* Tells of the event @name with @data, which it drops and may be NULL. */
static void events_tell(struct control *control, const char *name, json_t *data)
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
	control_tell(control, line, size);
	free(line);
}

void control_tell_stop(struct control *control)
{
	if (control)
		events_tell(control, "STOP", NULL);
}

void control_tell_resume(struct control *control)
{
	if (control)
		events_tell(control, "RESUME", NULL);
}

void control_tell_power_down(struct control *control)
{
	if (control)
		events_tell(control, "POWERDOWN", NULL);
}

static json_t *events_cause(enum control_reason reason)
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
		events_tell(control, "RESET", events_cause(reason));
}

void control_tell_shutdown(struct control *control, enum control_reason reason)
{
	if (control)
		events_tell(control, "SHUTDOWN", events_cause(reason));
}

void control_tell_panic(struct control *control, bool ends)
{
	if (control)
		events_tell(control, "GUEST_PANICKED",
			    json_pack("{s:s}", "action", ends ? "poweroff" : "pause"));
}

/*
 * QMP's own two, and Ferry's, whose names begin with X_FERRY_: the protocol's way for others' names
 * asks for a domain of the Internet's, and there is none.
 */
static const char *events_news_name(enum vfio_news_kind kind)
{
	switch (kind) {
	case VFIO_ADDED:
		return "X_FERRY_DEVICE_ADDED";
	case VFIO_REMOVED:
		return "DEVICE_DELETED";
	case VFIO_REMOVAL_REFUSED:
		return "DEVICE_UNPLUG_GUEST_ERROR";
	case VFIO_LOST:
		return "X_FERRY_DEVICE_LOST";
	case VFIO_WANTED_BACK:
		return "X_FERRY_DEVICE_WANTED_BACK";
	case VFIO_FAILED:
		return "X_FERRY_DEVICE_FAILED";
	case VFIO_RECOVERED:
		break;
	}
	return "X_FERRY_DEVICE_RECOVERED";
}

void control_tell_device(struct control *control, const struct vfio_news *news)
{
	json_t *data;

	if (!control)
		return;
	data = json_pack("{s:o, s:o}", "device", control_text(news->id), "path",
			 json_sprintf(CONTROL_QOM_FOLDER "%s", news->id));
	if (data && news->kind != VFIO_REMOVED && news->kind != VFIO_REMOVAL_REFUSED)
		json_object_update_new(data, json_pack("{s:o, s:o}", "host",
						       control_text(news->host), "slot",
						       news->slot ? control_text(news->slot)
								  : json_null()));
	events_tell(control, events_news_name(news->kind), data);
}
