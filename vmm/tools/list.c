/* SPDX-License-Identifier: BSD-3-Clause */
/* `ferry list`: this user's running monitors that have a control socket. */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/text.h"
#include "vmm/runtime.h"
#include "vmm/tools/json.h"
#include "vmm/tools/qmp.h"
#include "vmm/tools/terminal.h"
#include "vmm/tools/tools.h"

/* One that does not answer in that time hangs. */
enum { PATIENCE_MS = 2000 };

static const char help_text[] =
	"Usage: ferry list [--json]\n"
	"Lists this user's runs that have --control; ferry ctl PID talks to one.\n"
	"\n"
	"  --json                    prints it as JSON\n"
	"  --help, -h                this text\n"
	"\n"
	"Exit status: 0, 1 it could not be found out, 2 wrong usage.\n";

enum list_option { OPTION_JSON = 256, OPTION_HELP };

static const struct option long_options[] = {
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static int list_is_entry(const struct dirent *entry)
{
	size_t digits = strspn(entry->d_name, "0123456789");

	return digits > 0 && strcmp(entry->d_name + digits, ".sock") == 0;
}

/*
 * What the monitor behind @link says of itself, with its socket; NULL: there is none any more, or
 * another one, which may be the same by the number that a container gave it. Only the first is
 * @gone for good.
 */
static json_t *list_ask(const char *link, const char *name, bool *gone)
{
	char socket[PATH_MAX];
	ssize_t length = readlink(link, socket, sizeof(socket) - 1);
	json_t *status = NULL;
	struct err err = {0};
	struct qmp qmp;
	int rc;

	socket[length > 0 ? length : 0] = '\0';
	rc = qmp_open_process(&qmp, link, (pid_t)atoi(name), PATIENCE_MS, &err);
	*gone = rc == -ECONNREFUSED || rc == -ENOENT;
	if (*gone || rc == -ESRCH)
		return NULL;
	if (!rc) {
		rc = qmp_execute(&qmp, "x-ferry-status", &status, &err);
		qmp_close(&qmp);
	}
	if (rc)
		status = json_pack("{s:i, s:s}", "pid", atoi(name), "status", "does not answer");
	if (status)
		json_object_set_new(status, "control", tool_json_text(socket));
	return status;
}

/* Asks every one that is listed, and takes off the list who is gone. */
static int list_find(const char *folder, json_t *monitors, struct err *err)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, list_is_entry, versionsort);

	if (count < 0)
		return errno == ENOENT ? 0
				       : err_set(err, -errno, "%s: %s", folder, err_text(errno));
	for (int i = 0; i < count; i++) {
		char link[PATH_MAX + 256];
		json_t *monitor;
		bool gone;

		snprintf(link, sizeof(link), "%s/%s", folder, entries[i]->d_name);
		monitor = list_ask(link, entries[i]->d_name, &gone);
		if (monitor)
			json_array_append_new(monitors, monitor);
		else if (gone)
			unlink(link);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

static int list_add_row(struct table *table, const json_t *monitor)
{
	const char *status = json_string_value(json_object_get(monitor, "status"));
	const char *control = json_string_value(json_object_get(monitor, "control"));
	json_int_t memory = json_integer_value(json_object_get(monitor, "memory_bytes"));
	char pid[24], up[TOOL_DURATION], cpus[24], size[TEXT_SIZE_ROOM];

	snprintf(pid, sizeof(pid), "%" JSON_INTEGER_FORMAT,
		 json_integer_value(json_object_get(monitor, "pid")));
	snprintf(cpus, sizeof(cpus), "%zu", json_array_size(json_object_get(monitor, "cpus")));
	tool_duration(json_integer_value(json_object_get(monitor, "uptime_seconds")), up);
	if (table_add(table, pid) || table_add(table, status ? status : "?") ||
	    table_add(table, up) || table_add(table, cpus) ||
	    table_add(table, text_size(size, (uint64_t)memory)))
		return -ENOMEM;
	return table_add(table, control ? control : "?");
}

static int list_show(const struct tool *tool, const json_t *monitors, struct err *err)
{
	static const char *const heads[] = {"PID", "STATUS", "UP", "VCPUS", "MEMORY", "CONTROL"};
	struct table table = {.columns = ARRAY_SIZE(heads)};
	int rc = 0;

	if (json_array_size(monitors) == 0) {
		fputs("no run of this user's has a control socket\n", tool->out);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(heads) && !rc; i++)
		rc = table_add(&table, heads[i]);
	for (size_t i = 0; i < json_array_size(monitors) && !rc; i++)
		rc = list_add_row(&table, json_array_get(monitors, i));
	if (!rc)
		table_print(&table, tool->width, tool->out);
	table_release(&table);
	return rc ? err_set(err, rc, "list: out of memory") : 0;
}

static int list_all(const struct tool *tool, bool json)
{
	json_t *monitors = json_array();
	char folder[PATH_MAX];
	struct err err = {0};
	int status;
	int rc = runtime_folder(tool->run, folder, &err);

	if (!rc)
		rc = list_find(folder, monitors, &err);
	if (!rc && json)
		return tool_json_print(json_pack("{s:o}", "monitors", monitors), tool->out);
	if (!rc)
		rc = list_show(tool, monitors, &err);
	status = rc ? tool_fail(tool, json, TOOL_FAILED, &err) : TOOL_OK;
	json_decref(monitors);
	return status;
}

int tool_list(const struct tool *tool, int argc, char **argv)
{
	struct err err = {0};
	bool json = false;
	int option;

	for (bool first = true; (option = tool_option(argc, argv, long_options, first, &err)) != -1;
	     first = false) {
		if (option == OPTION_HELP) {
			fputs(help_text, tool->out);
			return TOOL_OK;
		}
		if (option == '?')
			return tool_fail(tool, tool_wants_json(argc, argv), TOOL_USAGE, &err);
		json = true;
	}
	if (optind < argc) {
		err_set(&err, -EINVAL, "'%.80s': it takes nothing: see ferry list --help",
			argv[optind]);
		return tool_fail(tool, json, TOOL_USAGE, &err);
	}
	return list_all(tool, json);
}
