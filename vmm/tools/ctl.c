/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `ferry ctl`: tells of a running monitor, has it stop, go on or end, and gives it devices, by its
 * control socket.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/base/bits.h"
#include "vmm/runtime.h"
#include "vmm/tools/ctl_private.h"
#include "vmm/tools/json.h"

static const char help_text[] =
	"Usage: ferry ctl [--json] [--timeout SECONDS] PATH|PID COMMAND\n"
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
	"  add ADDR|socket=PATH[,id=ID][,bus=slotN][,OPTION...]\n"
	"                            puts the device into slot N, or the lowest that is\n"
	"                            empty; OPTION is one of --vfio, or of --vfio-user\n"
	"                            for the device behind PATH, see ferry run --help.\n"
	"                            Its nodes are opened, or its server connected to,\n"
	"                            with the rights of who calls this\n"
	"  remove ID                 takes it out: the guest is asked to let it go, and\n"
	"                            ends with it, or when the guest keeps it; ID may be\n"
	"                            its address, its path or its slot too\n"
	"\n"
	"  --timeout SECONDS         when remove takes a device away from a guest that\n"
	"                            does not let it go; 0: at once (default 30)\n"
	"  --json                    prints it as JSON\n"
	"  --help, -h                this text\n"
	"\n"
	"Exit status: 0, 1 it was refused, or no monitor is there, 2 wrong usage.\n";

enum ctl_option { OPTION_TIMEOUT = 256, OPTION_JSON, OPTION_HELP };

static const struct option long_options[] = {
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

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
	rc = ctl_show_status(ctl, status);
	json_decref(status);
	return rc;
}

/* Who watches a run whose end is far is not to find only then that nothing was printed. */
static int ctl_check_printed(struct ctl *ctl)
{
	return ferror(ctl->tool->out)
		       ? err_set(&ctl->err, -EIO, "what it says could not be printed")
		       : 0;
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
	return ctl_check_printed(ctl);
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
			rc = ctl_check_printed(ctl);
		}
	}
	return rc;
}

/* What monitors tell of, a line of them for who misspelled one. */
static const char *const ctl_events_told[] = {
	"SHUTDOWN",
	"RESET",
	"STOP",
	"RESUME",
	"POWERDOWN",
	"GUEST_PANICKED",
	"DEVICE_DELETED",
	"DEVICE_UNPLUG_GUEST_ERROR",
	"X_FERRY_DEVICE_ADDED",
	"X_FERRY_DEVICE_LOST",
	"X_FERRY_DEVICE_WANTED_BACK",
	"X_FERRY_DEVICE_FAILED",
	"X_FERRY_DEVICE_RECOVERED",
};

/* One that never comes would be waited for until the run ends. */
static int ctl_check_wait(struct ctl *ctl)
{
	char names[320] = "";
	size_t used = 0;

	if (!ctl->word)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(ctl_events_told); i++) {
		if (strcmp(ctl->word, ctl_events_told[i]) == 0)
			return 0;
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 ctl_events_told[i]);
	}
	return err_set(&ctl->err, -EINVAL, "wait: '%.80s' is no event: there are %s", ctl->word,
		       names);
}

/* With --json the event that ended it: of a run's end SHUTDOWN, or null where none was told. */
static int ctl_wait(struct ctl *ctl, const struct ctl_command *command)
{
	const char *wanted = ctl->word ? ctl->word : "SHUTDOWN";
	json_t *event, *found = NULL;
	int rc = 0;

	(void)command;
	while (!rc && !(ctl->word && found)) {
		rc = qmp_next_event(&ctl->qmp, &event, &ctl->err);
		if (!rc && strcmp(ctl_string(event, "event"), wanted) == 0) {
			json_decref(found);
			found = event;
		} else if (!rc) {
			json_decref(event);
		}
	}
	if (rc == -ENODATA && !ctl->word)
		rc = 0;
	else if (rc == -ENODATA)
		err_prefix(&ctl->err, "%s has not come", ctl->word);
	if (!rc && ctl->json)
		return ctl_print_line(ctl, found ? found : json_null());
	json_decref(found);
	return rc;
}

static const struct ctl_command commands[] = {
	{"status", .execute = "x-ferry-status", .function = ctl_status},
	{"stop", .execute = "stop", .function = ctl_act},
	{"cont", .execute = "cont", .function = ctl_act},
	{"powerdown", .execute = "system_powerdown", .function = ctl_act},
	{"reset", .execute = "system_reset", .function = ctl_act},
	{"quit", .execute = "quit", .function = ctl_act},
	{"events", .function = ctl_events},
	{"wait", .function = ctl_wait, .word = "[EVENT]", .check = ctl_check_wait},
	{"add", .execute = "device_add", .function = ctl_add,
	 .word = "ADDR|socket=PATH[,OPTION...]", .check = ctl_check_add},
	{"remove", .execute = "device_del", .function = ctl_remove, .word = "ID",
	 .check = ctl_check_remove},
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

/* Whether the words behind the options, and those options, are such a command's. */
static int ctl_check_words(struct ctl *ctl, const struct ctl_command *command, char *const *words,
			   int count)
{
	if (count > 3 && command->function == ctl_add && strchr(words[3], '='))
		return err_set(&ctl->err, -EINVAL,
			       "'%.80s': options follow ADDR by commas, without a blank: add "
			       "%.80s,%.80s",
			       words[3], words[2], words[3]);
	if (count > 3 || (count == 3 && !command->word))
		return err_set(&ctl->err, -EINVAL,
			       "'%.80s': %s takes nothing more: see ferry ctl --help",
			       words[count - 1], command->name);
	if (count == 2 && command->word && command->word[0] != '[')
		return err_set(&ctl->err, -EINVAL, "%s: it takes %s: see ferry ctl --help",
			       command->name, command->word);
	if (ctl->timeout && command->function != ctl_remove)
		return err_set(&ctl->err, -EINVAL, "--timeout: it is for remove, not for %s",
			       command->name);
	ctl->word = count == 3 ? words[2] : NULL;
	return command->check ? command->check(ctl) : 0;
}

/* The command of those words, or NULL with the error set. */
static const struct ctl_command *ctl_choose(struct ctl *ctl, char *const *words, int count)
{
	const struct ctl_command *command = count > 1 ? ctl_find_command(words[1]) : NULL;
	int rc;

	if (command)
		rc = ctl_check_words(ctl, command, words, count);
	else if (count > 0 && ctl_find_command(words[0]))
		rc = err_set(&ctl->err, -EINVAL,
			     "%s: which monitor? ferry ctl PATH|PID %s: ferry list finds them",
			     words[0], words[0]);
	else if (count > 1)
		rc = err_set(&ctl->err, -EINVAL, "'%.80s' is no command: see ferry ctl --help",
			     words[1]);
	else
		rc = err_set(&ctl->err, -EINVAL,
			     "it takes the PATH of a control socket, or a monitor's PID, and a "
			     "command: see ferry ctl --help");
	return rc ? NULL : command;
}

/* The run of that number, by the link at @path. */
static int ctl_open_process(struct ctl *ctl, const char *number, const char *path)
{
	int rc = qmp_open_process(&ctl->qmp, path, (pid_t)atoi(number), QMP_FOR_EVER, &ctl->err);

	if (rc != -ENOENT)
		return rc;
	return err_set(&ctl->err, rc,
		       "process %.20s: no run of this user's: ferry list has those; for another's "
		       "give the PATH of its socket",
		       number);
}

static int ctl_run(struct ctl *ctl, const char *name, const struct ctl_command *command)
{
	char path[PATH_MAX];
	int rc = ctl_find_path(ctl, name, path);

	if (!rc && ctl_is_process(name))
		rc = ctl_open_process(ctl, name, path);
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

/* The words behind the options. */
static int ctl_take_words(struct ctl *ctl, char *const *words, int count)
{
	const struct ctl_command *command = ctl_choose(ctl, words, count);
	int status = TOOL_OK;

	if (!command)
		status = TOOL_USAGE;
	else if (ctl_run(ctl, words[0], command))
		status = TOOL_FAILED;
	suboptions_release(&ctl->options);
	return status ? tool_fail(ctl->tool, ctl->json, status, &ctl->err) : TOOL_OK;
}

int tool_ctl(const struct tool *tool, int argc, char **argv)
{
	struct ctl ctl = {.tool = tool};
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
		if (option == OPTION_TIMEOUT)
			ctl.timeout = optarg;
		else
			ctl.json = true;
	}
	return ctl_take_words(&ctl, argv + optind, argc - optind);
}
