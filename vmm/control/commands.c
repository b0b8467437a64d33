/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of the control socket: their table, the check of their arguments, their answers. */

#include "vmm/control/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/control/line.h"
#include "vmm/control/plug.h"
#include "vmm/control/query.h"

const char control_negotiates[] = "qmp_capabilities";

/* What an argument may be. */
enum argument_type { ARGUMENT_STRING, ARGUMENT_NUMBER, ARGUMENT_WORDS };

struct command_argument {
	const char *name;
	enum argument_type type;
	bool needed;
};

/* One of the three functions is there. */
struct command_row {
	const char *name;
	json_t *(*query)(const struct control_target *target);
	void (*act)(const struct control_target *target);
	control_function *function;
	const struct command_argument *arguments; /* up to one without a name; NULL: none */
};

json_t *control_version(void)
{
	int major = 0, minor = 0, micro = 0;

	sscanf(FERRY_VERSION, "%d.%d.%d", &major, &minor, &micro);
	return json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "micro", micro, "minor", minor,
			 "major", major, "package", "ferry " FERRY_VERSION);
}

/* There is nothing to be had beyond the protocol itself. */
static int command_negotiate(const struct control_caller *caller, json_t *arguments,
			     json_t **answer, struct err *err)
{
	json_t *wanted = json_object_get(arguments, "enable");

	(void)caller;
	(void)answer;
	if (json_array_size(wanted) == 0)
		return 0;
	return err_set(err, -EINVAL, "'%s' is no capability of this server: it has none",
		       control_printable(json_string_value(json_array_get(wanted, 0))).text);
}

static void command_stop(const struct control_target *target)
{
	target->ops->stop(target->machine);
}

static int command_go(const struct control_caller *caller, json_t *arguments, json_t **answer,
		      struct err *err)
{
	(void)arguments;
	(void)answer;
	return caller->target->ops->go(caller->target->machine, err);
}

static void command_power_down(const struct control_target *target)
{
	target->ops->power_down(target->machine);
}

static void command_reset(const struct control_target *target)
{
	target->ops->reset(target->machine);
}

static void command_quit(const struct control_target *target)
{
	target->ops->quit(target->machine);
}

static int command_monitor(const struct control_caller *caller, json_t *arguments, json_t **answer,
			   struct err *err)
{
	const struct control_target *target = caller->target;
	const char *line = json_string_value(json_object_get(arguments, "command-line"));
	json_int_t cpu = json_integer_value(json_object_get(arguments, "cpu-index"));
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	if (cpu < 0 || cpu >= run_count(target->run))
		return err_set(err, -EINVAL, "cpu-index: there is no vCPU %" JSON_INTEGER_FORMAT,
			       cpu);
	out = open_memstream(&text, &size);
	if (!out)
		return err_set(err, -ENOMEM, "out of memory");
	target->ops->monitor(target->machine, (unsigned int)cpu, line, out);
	fclose(out);
	json_decref(*answer);
	*answer = control_text(text ? text : "");
	free(text);
	return 0;
}

static json_t *command_version(const struct control_target *target)
{
	(void)target;
	return control_version();
}

static json_t *command_kvm(const struct control_target *target)
{
	(void)target;
	return json_pack("{s:b, s:b}", "enabled", 1, "present", 1);
}

/* A machine has none. */
static json_t *command_name(const struct control_target *target)
{
	(void)target;
	return json_object();
}

static json_t *command_names(const struct control_target *target);

static const struct command_argument of_negotiation[] = {
	{"enable", ARGUMENT_WORDS, .needed = false},
	{.name = NULL},
};

static const struct command_argument of_monitor[] = {
	{"command-line", ARGUMENT_STRING, .needed = true},
	{"cpu-index", ARGUMENT_NUMBER, .needed = false},
	{.name = NULL},
};

static const struct command_argument of_descriptor[] = {
	{"fdname", ARGUMENT_STRING, .needed = true},
	{.name = NULL},
};

static const struct command_argument of_device_add[] = {
	{"driver", ARGUMENT_STRING, .needed = true},
	{"id", ARGUMENT_STRING, .needed = false},
	{"bus", ARGUMENT_STRING, .needed = false},
	{"addr", ARGUMENT_STRING, .needed = false},
	{"host", ARGUMENT_STRING, .needed = false},
	{"sysfsdev", ARGUMENT_STRING, .needed = false},
	{"fd", ARGUMENT_STRING, .needed = false},
	{"iommufd", ARGUMENT_STRING, .needed = false},
	{"group-fd", ARGUMENT_STRING, .needed = false},
	{"container-fd", ARGUMENT_STRING, .needed = false},
	{"rom-fd", ARGUMENT_STRING, .needed = false},
	{"trace-fd", ARGUMENT_STRING, .needed = false},
	{"names-fd", ARGUMENT_STRING, .needed = false},
	{"rom", ARGUMENT_STRING, .needed = false},
	{"romfile", ARGUMENT_STRING, .needed = false},
	{"rombar", ARGUMENT_NUMBER, .needed = false},
	{"mmap", ARGUMENT_STRING, .needed = false},
	{"via", ARGUMENT_STRING, .needed = false},
	{"vf-token", ARGUMENT_STRING, .needed = false},
	{"trace", ARGUMENT_STRING, .needed = false},
	{"names", ARGUMENT_STRING, .needed = false},
	{.name = NULL},
};

static const struct command_argument of_device_del[] = {
	{"id", ARGUMENT_STRING, .needed = true},
	{"timeout", ARGUMENT_NUMBER, .needed = false},
	{.name = NULL},
};

static const struct command_row commands[] = {
	{control_negotiates, .function = command_negotiate, .arguments = of_negotiation},
	{"stop", .act = command_stop},
	{"cont", .function = command_go},
	{"system_powerdown", .act = command_power_down},
	{"system_reset", .act = command_reset},
	{"quit", .act = command_quit},
	{"getfd", .function = control_plug_getfd, .arguments = of_descriptor},
	{"closefd", .function = control_plug_closefd, .arguments = of_descriptor},
	{"device_add", .function = control_plug_add, .arguments = of_device_add},
	{"device_del", .function = control_plug_delete, .arguments = of_device_del},
	{"human-monitor-command", .function = command_monitor, .arguments = of_monitor},
	{"query-status", .query = control_query_status},
	{"query-version", .query = command_version},
	{"query-commands", .query = command_names},
	{"query-kvm", .query = command_kvm},
	{"query-name", .query = command_name},
	{"query-cpus-fast", .query = control_query_cpus},
	{"query-memory-size-summary", .query = control_query_memory},
	{"query-pci", .query = control_query_pci},
	{"x-ferry-status", .query = control_query_all},
};

static json_t *command_names(const struct control_target *target)
{
	json_t *list = json_array();

	(void)target;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		json_array_append_new(list, json_pack("{s:s}", "name", commands[i].name));
	return list;
}

static bool command_is_words(const json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!json_is_string(json_array_get(value, i)))
			return false;
	return json_is_array(value);
}

static int command_check_type(const char *name, enum argument_type type, const json_t *value,
			      struct err *err)
{
	switch (type) {
	case ARGUMENT_STRING:
		return json_is_string(value) ? 0 : err_set(err, -EINVAL, "%s is no string", name);
	case ARGUMENT_NUMBER:
		return json_is_integer(value)
			       ? 0
			       : err_set(err, -EINVAL, "%s is no whole number", name);
	case ARGUMENT_WORDS:
		break;
	}
	return command_is_words(value) ? 0
				       : err_set(err, -EINVAL, "%s is no list of strings", name);
}

static bool command_takes(const struct command_row *command, const char *name)
{
	const struct command_argument *argument = command->arguments;

	while (argument && argument->name && strcmp(argument->name, name) != 0)
		argument++;
	return argument && argument->name;
}

/* Every argument given is one of the command's, and of its type; those that it needs are given. */
static int command_check(const struct command_row *command, json_t *arguments, struct err *err)
{
	const char *given;
	json_t *value;

	json_object_foreach(arguments, given, value)
		if (!command_takes(command, given))
			return err_set(err, -EINVAL, "%s: it has no argument '%.80s'",
				       command->name, control_printable(given).text);
	for (const struct command_argument *argument = command->arguments;
	     argument && argument->name; argument++) {
		value = json_object_get(arguments, argument->name);
		if (!value && argument->needed)
			return err_set(err, -EINVAL, "%s: the argument %s is missing",
				       command->name, argument->name);
		if (value && command_check_type(argument->name, argument->type, value, err))
			return err_prefix(err, "%s", command->name);
	}
	return 0;
}

static const struct command_row *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int control_command(const struct control_caller *caller, const char *name, json_t *arguments,
		    json_t **answer, struct err *err)
{
	const struct command_row *command = command_find(name);
	bool negotiates = command && command->name == control_negotiates;
	int rc;

	if (!caller->negotiated && !negotiates)
		return err_set(err, CONTROL_NO_COMMAND,
			       "'%.80s': negotiation comes first: execute %s",
			       control_printable(name).text, control_negotiates);
	if (!command)
		return err_set(err, CONTROL_NO_COMMAND,
			       "'%.80s' is no command: query-commands lists them",
			       control_printable(name).text);
	if (caller->negotiated && negotiates)
		return err_set(err, CONTROL_NO_COMMAND, "%s: the negotiation is over", name);
	rc = command_check(command, arguments, err);
	if (rc)
		return rc;
	if (command->query) {
		*answer = command->query(caller->target);
		return 0;
	}
	*answer = json_object();
	if (command->act)
		command->act(caller->target);
	else
		rc = command->function(caller, arguments, answer, err);
	if (rc) {
		json_decref(*answer);
		*answer = NULL;
	}
	return rc;
}
