/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry ctl`: tells of a running monitor, and has it stop, go on or end, by its control socket. */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/base/bits.h"
#include "vmm/base/text.h"
#include "vmm/runtime.h"
#include "vmm/tools/json.h"
#include "vmm/tools/qmp.h"
#include "vmm/tools/terminal.h"
#include "vmm/tools/tools.h"

static const char help_text[] =
	"Usage: ferry ctl [--json] PATH|PID COMMAND\n"
	"Talks to the monitor of a run with --control unix:PATH; ferry list finds them.\n"
	"\n"
	"  status                    what it is doing, its processors, memory and devices\n"
	"  stop                      stands the guest still\n"
	"  cont                      has it go on\n"
	"  powerdown                 presses its power button\n"
	"  reset                     resets it\n"
	"  quit                      ends the run at once\n"
	"  events                    its state, then a line for each event until it ends\n"
	"  wait [EVENT]              until the run ends, or an event such as RESET\n"
	"\n"
	"  --json                    prints it as JSON\n"
	"  --help, -h                this text\n"
	"\n"
	"Exit status: 0, 1 it was refused, or no monitor is there, 2 wrong usage.\n";

enum ctl_option { OPTION_JSON = 256, OPTION_HELP };

static const struct option long_options[] = {
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

/* One call of the command. */
struct ctl {
	const struct tool *tool;
	bool json;
	const char *event; /* of wait, or NULL */
	struct qmp qmp;
	struct err err;
};

struct ctl_command {
	const char *name;
	const char *execute; /* what the monitor is asked, or NULL */
	int (*function)(struct ctl *ctl, const struct ctl_command *command);
};

/* Prints @object, which it drops, on one line: more may follow. */
static int ctl_print_line(struct ctl *ctl, json_t *object)
{
	int failed = json_dumpf(object, ctl->tool->out, JSON_ENSURE_ASCII | JSON_ENCODE_ANY) ||
		     putc('\n', ctl->tool->out) == EOF || fflush(ctl->tool->out);

	json_decref(object);
	return failed ? err_set(&ctl->err, -EIO, "what it says could not be printed") : 0;
}

static int ctl_act(struct ctl *ctl, const struct ctl_command *command)
{
	json_t *answer;
	int rc = qmp_execute(&ctl->qmp, command->execute, &answer, &ctl->err);

	if (rc)
		return rc;
	if (ctl->json)
		return ctl_print_line(ctl, answer);
	json_decref(answer);
	return 0;
}

static const char *ctl_string(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "?";
}

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
static void ctl_add_interrupts(const struct ctl *ctl, const json_t *devices)
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

static int ctl_add_row(struct table *table, const json_t *device)
{
	char vectors[64] = "-", count[32] = "?", errors[32];
	const json_t *counted = json_object_get(device, "interrupt_count");

	if (ctl_number(device, "vectors"))
		snprintf(vectors, sizeof(vectors),
			 "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT,
			 ctl_number(device, "unmasked"), ctl_number(device, "vectors"));
	if (json_is_integer(counted))
		snprintf(count, sizeof(count), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(counted));
	snprintf(errors, sizeof(errors), "%" JSON_INTEGER_FORMAT, ctl_number(device, "errors"));
	if (table_add(table, ctl_string(device, "host")) ||
	    table_add(table, ctl_string(device, "guest")) ||
	    table_add(table, ctl_string(device, "state")) ||
	    table_add(table, ctl_string(device, "interrupts")) || table_add(table, vectors) ||
	    table_add(table, count))
		return -ENOMEM;
	return table_add(table, errors);
}

static int ctl_show_devices(struct ctl *ctl, const json_t *devices)
{
	static const char *const heads[] = {"DEVICE",  "GUEST",       "STATE", "INTERRUPTS",
					    "VECTORS", "INTERRUPTED", "ERRORS"};
	struct table table = {.columns = ARRAY_SIZE(heads)};
	int rc = 0;

	if (json_array_size(devices) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(heads) && !rc; i++)
		rc = table_add(&table, heads[i]);
	for (size_t i = 0; i < json_array_size(devices) && !rc; i++)
		rc = ctl_add_row(&table, json_array_get(devices, i));
	if (!rc)
		table_print(&table, ctl->tool->width, ctl->tool->out);
	table_release(&table);
	return rc ? err_set(&ctl->err, rc, "out of memory") : 0;
}

static const char *ctl_pinning(const json_t *status)
{
	if (json_array_size(json_object_get(status, "devices")) == 0)
		return "";
	return ctl_number(status, "pinned_bytes") ? ", pinned" : ", being pinned";
}

static int ctl_show(struct ctl *ctl, const json_t *status)
{
	char up[TOOL_DURATION], size[TEXT_SIZE_ROOM];
	FILE *out = ctl->tool->out;

	text_print(out, "%s, up %s, process %" JSON_INTEGER_FORMAT ", ferry %s\n",
		   ctl_string(status, "status"),
		   tool_duration(ctl_number(status, "uptime_seconds"), up),
		   ctl_number(status, "pid"), ctl_string(status, "version"));
	ctl_show_cpus(ctl, json_object_get(status, "cpus"));
	fprintf(out, "memory    %s%s\n",
		text_size(size, (uint64_t)ctl_number(status, "memory_bytes")), ctl_pinning(status));
	return ctl_show_devices(ctl, json_object_get(status, "devices"));
}

static int ctl_status(struct ctl *ctl, const struct ctl_command *command)
{
	json_t *status;
	int rc = qmp_execute(&ctl->qmp, command->execute, &status, &ctl->err);

	if (rc)
		return rc;
	ctl_add_interrupts(ctl, json_object_get(status, "devices"));
	if (ctl->json)
		return tool_json_print(status, ctl->tool->out)
			       ? err_set(&ctl->err, -EIO, "what it says could not be printed")
			       : 0;
	rc = ctl_show(ctl, status);
	json_decref(status);
	return rc;
}

/* "2026-11-23 10:20:30.123 WHAT". */
static void ctl_show_moment(struct ctl *ctl, time_t seconds, long milliseconds, const char *what)
{
	char text[32] = "";
	struct tm parts;

	if (localtime_r(&seconds, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
	text_print(ctl->tool->out, "%s.%03ld %s", text, milliseconds, what);
}

/* As "2026-11-23 10:20:30.123 RESET guest=true reason=guest-reset". */
static void ctl_show_event(struct ctl *ctl, const json_t *event)
{
	const json_t *stamp = json_object_get(event, "timestamp");
	json_t *data = json_object_get(event, "data"), *value;
	const char *name;

	ctl_show_moment(ctl, (time_t)ctl_number(stamp, "seconds"),
			(long)(ctl_number(stamp, "microseconds") / 1000),
			ctl_string(event, "event"));
	json_object_foreach(data, name, value) {
		char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

		text_print(ctl->tool->out, " %s=%s", name,
			   json_is_string(value) ? json_string_value(value)
			   : shown               ? shown
						 : "?");
		free(shown);
	}
	putc('\n', ctl->tool->out);
	fflush(ctl->tool->out);
}

/* How it is now: what follows is all that happens from here on. */
static int ctl_begin_events(struct ctl *ctl)
{
	struct timespec now;
	json_t *status;
	int rc = qmp_execute(&ctl->qmp, "query-status", &status, &ctl->err);

	if (rc)
		return rc;
	if (ctl->json)
		return ctl_print_line(ctl, status);
	clock_gettime(CLOCK_REALTIME, &now);
	ctl_show_moment(ctl, now.tv_sec, now.tv_nsec / 1000000, ctl_string(status, "status"));
	putc('\n', ctl->tool->out);
	fflush(ctl->tool->out);
	json_decref(status);
	return 0;
}

static int ctl_events(struct ctl *ctl, const struct ctl_command *command)
{
	json_t *event;
	int rc = ctl_begin_events(ctl);

	(void)command;
	while (!rc) {
		rc = qmp_next_event(&ctl->qmp, &event, &ctl->err);
		if (rc == -ENODATA)
			return 0;
		if (rc)
			return rc;
		if (ctl->json) {
			rc = ctl_print_line(ctl, event);
		} else {
			ctl_show_event(ctl, event);
			json_decref(event);
		}
	}
	return rc;
}

/* With --json the event that ended it: of a run's end SHUTDOWN, or null where none was told. */
static int ctl_wait(struct ctl *ctl, const struct ctl_command *command)
{
	const char *wanted = ctl->event ? ctl->event : "SHUTDOWN";
	json_t *event, *found = NULL;
	int rc = 0;

	(void)command;
	while (!rc && !(ctl->event && found)) {
		rc = qmp_next_event(&ctl->qmp, &event, &ctl->err);
		if (!rc && strcmp(ctl_string(event, "event"), wanted) == 0) {
			json_decref(found);
			found = event;
		} else if (!rc) {
			json_decref(event);
		}
	}
	if (rc == -ENODATA && !ctl->event)
		rc = 0;
	else if (rc == -ENODATA)
		err_prefix(&ctl->err, "%s has not come", ctl->event);
	if (!rc && ctl->json)
		return ctl_print_line(ctl, found ? found : json_null());
	json_decref(found);
	return rc;
}

static const struct ctl_command commands[] = {
	{"status", "x-ferry-status", ctl_status},
	{"stop", "stop", ctl_act},
	{"cont", "cont", ctl_act},
	{"powerdown", "system_powerdown", ctl_act},
	{"reset", "system_reset", ctl_act},
	{"quit", "quit", ctl_act},
	{"events", NULL, ctl_events},
	{"wait", NULL, ctl_wait},
};

static const struct ctl_command *ctl_find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static bool ctl_is_process(const char *name)
{
	return *name && strspn(name, "0123456789") == strlen(name);
}

/* A process of `ferry list` stands for its socket. */
static int ctl_find_path(struct ctl *ctl, const char *name, char path[PATH_MAX])
{
	static const char prefix[] = "unix:";

	if (ctl_is_process(name))
		return runtime_entry(ctl->tool->run, name, path, &ctl->err);
	if (strncmp(name, prefix, strlen(prefix)) == 0)
		name += strlen(prefix);
	snprintf(path, PATH_MAX, "%s", name);
	return 0;
}

/* The command of the words behind the options, or NULL with the error set. */
static const struct ctl_command *ctl_choose(struct ctl *ctl, char *const *words, int count)
{
	const struct ctl_command *command = count > 1 ? ctl_find_command(words[1]) : NULL;

	if (count < 2)
		err_set(&ctl->err, -EINVAL,
			"it takes the PATH of a control socket, or a monitor's PID, and a command: see ferry ctl --help");
	else if (!command)
		err_set(&ctl->err, -EINVAL, "'%.80s' is no command: see ferry ctl --help",
			words[1]);
	else if (count == 3 && command->function == ctl_wait)
		ctl->event = words[2];
	else if (count > 2)
		err_set(&ctl->err, -EINVAL, "'%.80s': %s takes nothing more: see ferry ctl --help",
			words[count - 1], command->name);
	return ctl->err.code ? NULL : command;
}

static int ctl_run(struct ctl *ctl, const char *name, const struct ctl_command *command)
{
	char path[PATH_MAX];
	int rc = ctl_find_path(ctl, name, path);

	if (!rc && ctl_is_process(name))
		rc = qmp_open_process(&ctl->qmp, path, (pid_t)atoi(name), QMP_FOR_EVER, &ctl->err);
	else if (!rc)
		rc = qmp_open(&ctl->qmp, path, QMP_FOR_EVER, &ctl->err);
	if (rc)
		return rc;
	rc = command->function(ctl, command);
	if (rc)
		err_prefix(&ctl->err, "%s: %s", name, command->name);
	qmp_close(&ctl->qmp);
	return rc;
}

int tool_ctl(const struct tool *tool, int argc, char **argv)
{
	struct ctl ctl = {.tool = tool};
	const struct ctl_command *command;
	int option;

	for (bool first = true;
	     (option = tool_option(argc, argv, long_options, first, &ctl.err)) != -1;
	     first = false) {
		if (option == OPTION_HELP) {
			fputs(help_text, tool->out);
			return TOOL_OK;
		}
		if (option == '?')
			return tool_fail(tool, tool_wants_json(argc, argv), TOOL_USAGE, &ctl.err);
		ctl.json = true;
	}
	command = ctl_choose(&ctl, argv + optind, argc - optind);
	if (!command)
		return tool_fail(tool, ctl.json, TOOL_USAGE, &ctl.err);
	return ctl_run(&ctl, argv[optind], command)
		       ? tool_fail(tool, ctl.json, TOOL_FAILED, &ctl.err)
		       : TOOL_OK;
}
