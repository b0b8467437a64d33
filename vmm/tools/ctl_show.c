/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry ctl status` and `events`: what a monitor tells, on a screen. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/base/text.h"
#include "vmm/tools/ctl_private.h"
#include "vmm/tools/terminal.h"

int ctl_print_line(struct ctl *ctl, json_t *object)
{
	int failed = json_dumpf(object, ctl->tool->out, JSON_ENSURE_ASCII | JSON_ENCODE_ANY) ||
		     putc('\n', ctl->tool->out) == EOF || fflush(ctl->tool->out);

	json_decref(object);
	return failed ? err_set(&ctl->err, -EIO, "what it says could not be printed") : 0;
}

const char *ctl_string(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "?";
}

/* 0 where there is none. */
static json_int_t ctl_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void ctl_show_cpus(struct ctl *ctl, const json_t *cpus)
{
	FILE *out = ctl->tool->out;
	size_t count = json_array_size(cpus);
	json_int_t exits = 0;

	fprintf(out, "vCPUs     %zu", count);
	for (size_t i = 0; i < count; i++) {
		const json_t *cpu = json_array_get(cpus, i);
		const json_t *host = json_object_get(cpu, "host_cpu");

		exits += ctl_number(cpu, "exits");
		if (json_is_integer(host))
			fprintf(out, "%s %" JSON_INTEGER_FORMAT, i ? "" : ", on the host's",
				json_integer_value(host));
	}
	fprintf(out, ", %" JSON_INTEGER_FORMAT " exits to the monitor\n", exits);
}

/* The sum of a line of numbers, up to the first word that is none. */
static uint64_t ctl_sum(char *numbers)
{
	uint64_t sum = 0;
	char *rest = numbers, *word;

	while ((word = strtok_r(rest, " ", &rest)) && *word >= '0' && *word <= '9')
		sum += strtoull(word, NULL, 10);
	return sum;
}

/*
 * How often the host's kernel has passed on an interrupt of the device, by its own count: the
 * monitor sleeps meanwhile. In /proc/interrupts as "vfio-msix[3](0000:01:00.0)".
 */
static uint64_t ctl_count_interrupts(FILE *interrupts, const char *host)
{
	char *line = NULL, name[80];
	uint64_t sum = 0;
	size_t room = 0;

	snprintf(name, sizeof(name), "(%.64s)", host);
	rewind(interrupts);
	while (getline(&line, &room, interrupts) > 0) {
		char *colon = strchr(line, ':');
		const char *vfio = colon ? strstr(colon, " vfio-") : NULL;

		if (vfio && strstr(vfio, name))
			sum += ctl_sum(colon + 1);
	}
	free(line);
	return sum;
}

/* Adds to each device how often it interrupted, where the host tells. */
void ctl_add_interrupts(const struct ctl *ctl, const json_t *devices)
{
	char path[PATH_MAX];
	FILE *interrupts;

	if (json_array_size(devices) == 0)
		return;
	snprintf(path, sizeof(path), "%s/interrupts", ctl->tool->proc);
	interrupts = fopen(path, "re");
	for (size_t i = 0; i < json_array_size(devices); i++) {
		json_t *device = json_array_get(devices, i);

		json_object_set_new(device, "interrupt_count",
				    interrupts ? json_integer((json_int_t)ctl_count_interrupts(
							 interrupts, ctl_string(device, "host")))
					       : json_null());
	}
	if (interrupts)
		fclose(interrupts);
}

/* Of the table of devices; the last two only where there are slots, or ids of their own. */
static const char *const ctl_heads[] = {"DEVICE",      "GUEST",  "STATE", "INTERRUPTS", "VECTORS",
					"INTERRUPTED", "ERRORS", "SLOT",  "ID"};

enum { CTL_ALWAYS = ARRAY_SIZE(ctl_heads) - 2 };

/* What a device has in each column. */
struct ctl_row {
	char state[48], vectors[64], count[32], errors[32];
	const char *cells[ARRAY_SIZE(ctl_heads)];
};

static void ctl_fill_row(struct ctl_row *row, const json_t *device)
{
	const json_t *counted = json_object_get(device, "interrupt_count");

	*row = (struct ctl_row){.vectors = "-", .count = "?"};
	snprintf(row->state, sizeof(row->state), "%s%s", ctl_string(device, "state"),
		 json_is_true(json_object_get(device, "leaving"))  ? ", leaving"
		 : json_is_true(json_object_get(device, "unseen")) ? ", not shown yet"
								   : "");
	if (ctl_number(device, "vectors"))
		snprintf(row->vectors, sizeof(row->vectors),
			 "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT,
			 ctl_number(device, "unmasked"), ctl_number(device, "vectors"));
	if (json_is_integer(counted))
		snprintf(row->count, sizeof(row->count), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(counted));
	snprintf(row->errors, sizeof(row->errors), "%" JSON_INTEGER_FORMAT,
		 ctl_number(device, "errors"));
	row->cells[0] = ctl_string(device, "host");
	row->cells[1] = ctl_string(device, "guest");
	row->cells[2] = row->state;
	row->cells[3] = ctl_string(device, "interrupts");
	row->cells[4] = row->vectors;
	row->cells[5] = row->count;
	row->cells[6] = row->errors;
	row->cells[7] =
		json_is_string(json_object_get(device, "slot")) ? ctl_string(device, "slot") : "-";
	row->cells[8] = ctl_string(device, "id");
}

/* Whether any has another id than its address on the host. */
static bool ctl_has_ids(const json_t *devices)
{
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *device = json_array_get(devices, i);

		if (strcmp(ctl_string(device, "id"), ctl_string(device, "host")) != 0)
			return true;
	}
	return false;
}

static int ctl_add_row(struct table *table, const char *const *cells)
{
	int rc = 0;

	for (size_t i = 0; i < table->columns && !rc; i++)
		rc = table_add(table, cells[i]);
	return rc;
}

static int ctl_show_devices(struct ctl *ctl, const json_t *devices, bool slots)
{
	struct table table = {.columns = CTL_ALWAYS};
	struct ctl_row row;
	int rc;

	if (json_array_size(devices) == 0)
		return 0;
	if (slots)
		table.columns += 1 + ctl_has_ids(devices);
	rc = ctl_add_row(&table, ctl_heads);
	for (size_t i = 0; i < json_array_size(devices) && !rc; i++) {
		ctl_fill_row(&row, json_array_get(devices, i));
		rc = ctl_add_row(&table, row.cells);
	}
	if (!rc)
		table_print(&table, ctl->tool->width, ctl->tool->out);
	table_release(&table);
	return rc ? err_set(&ctl->err, rc, "out of memory") : 0;
}

/* The guest need not see what is in it. */
static bool ctl_is_taken(const json_t *slot)
{
	return json_is_true(json_object_get(slot, "taken")) ||
	       json_is_true(json_object_get(slot, "occupied"));
}

/* As "slots     1 of 3 taken, empty: slot3 slot4". */
static void ctl_show_slots(struct ctl *ctl, const json_t *slots)
{
	size_t count = json_array_size(slots), taken = 0;
	const json_t *slot;
	size_t i;

	if (count == 0)
		return;
	json_array_foreach(slots, i, slot)
		taken += ctl_is_taken(slot);
	fprintf(ctl->tool->out, "slots     %zu of %zu taken%s", taken, count,
		taken < count ? ", empty:" : "");
	json_array_foreach(slots, i, slot)
		if (!ctl_is_taken(slot))
			text_print(ctl->tool->out, " %s", ctl_string(slot, "slot"));
	putc('\n', ctl->tool->out);
}

static bool ctl_pins(const json_t *device)
{
	return !json_is_true(json_object_get(device, "gone")) &&
	       !json_is_true(json_object_get(device, "program"));
}

static const char *ctl_pinning(const json_t *status)
{
	const json_t *devices = json_object_get(status, "devices");

	if (ctl_number(status, "pinned_bytes"))
		return ", pinned";
	for (size_t i = 0; i < json_array_size(devices); i++)
		if (ctl_pins(json_array_get(devices, i)))
			return ", being pinned";
	return "";
}

int ctl_show_status(struct ctl *ctl, const json_t *status)
{
	const json_t *slots = json_object_get(status, "slots");
	char up[TOOL_DURATION], size[TEXT_SIZE_ROOM];
	FILE *out = ctl->tool->out;

	text_print(out, "%s, up %s, process %" JSON_INTEGER_FORMAT ", ferry %s\n",
		   ctl_string(status, "status"),
		   tool_duration(ctl_number(status, "uptime_seconds"), up),
		   ctl_number(status, "pid"), ctl_string(status, "version"));
	ctl_show_cpus(ctl, json_object_get(status, "cpus"));
	fprintf(out, "memory    %s%s\n",
		text_size(size, (uint64_t)ctl_number(status, "memory_bytes")), ctl_pinning(status));
	ctl_show_slots(ctl, slots);
	return ctl_show_devices(ctl, json_object_get(status, "devices"),
				json_array_size(slots) > 0);
}

/* "2026-11-23 10:20:30.123 WHAT". */
void ctl_show_moment(struct ctl *ctl, time_t seconds, long milliseconds, const char *what)
{
	char text[32] = "";
	struct tm parts;

	if (localtime_r(&seconds, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
	text_print(ctl->tool->out, "%s.%03ld %s", text, milliseconds, what);
}

/*
 * Events about devices in words: before the host's address, and behind it, or NULL without one.
 */
static const struct {
	const char *name, *before, *after;
} ctl_news[] = {
	{"X_FERRY_DEVICE_ADDED", "", " is there"},
	{"X_FERRY_DEVICE_LOST", "", " answers no more"},
	{"X_FERRY_DEVICE_WANTED_BACK", "the host wants ", " back"},
	{"X_FERRY_DEVICE_FAILED", "", " reported an uncorrectable error"},
	{"X_FERRY_DEVICE_RECOVERED", "", " recovered"},
	{"DEVICE_DELETED", "it is given back to the host", NULL},
	{"DEVICE_UNPLUG_GUEST_ERROR", "the guest keeps it", NULL},
};

/* As " nic: the host wants 0000:01:00.0 (slot3) back"; false when there are no words for it. */
static bool ctl_show_news(struct ctl *ctl, const char *name, const json_t *data)
{
	FILE *out = ctl->tool->out;
	size_t i = 0;

	while (i < ARRAY_SIZE(ctl_news) && strcmp(ctl_news[i].name, name) != 0)
		i++;
	if (i == ARRAY_SIZE(ctl_news))
		return false;
	text_print(out, " %s: %s", ctl_string(data, "device"), ctl_news[i].before);
	if (!ctl_news[i].after)
		return true;
	text_print(out, "%s", ctl_string(data, "host"));
	if (json_is_string(json_object_get(data, "slot")))
		text_print(out, " (%s)", ctl_string(data, "slot"));
	fputs(ctl_news[i].after, out);
	return true;
}

/* As " guest=true reason=guest-reset". */
static void ctl_show_data(struct ctl *ctl, json_t *data)
{
	const char *name;
	json_t *value;

	json_object_foreach(data, name, value) {
		char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

		text_print(ctl->tool->out, " %s=%s", name,
			   json_is_string(value) ? json_string_value(value)
			   : shown               ? shown
						 : "?");
		free(shown);
	}
}

void ctl_show_event(struct ctl *ctl, const json_t *event)
{
	const json_t *stamp = json_object_get(event, "timestamp");
	json_t *data = json_object_get(event, "data");
	const char *name = ctl_string(event, "event");

	ctl_show_moment(ctl, (time_t)ctl_number(stamp, "seconds"),
			(long)(ctl_number(stamp, "microseconds") / 1000), name);
	if (!ctl_show_news(ctl, name, data))
		ctl_show_data(ctl, data);
	putc('\n', ctl->tool->out);
	fflush(ctl->tool->out);
}
