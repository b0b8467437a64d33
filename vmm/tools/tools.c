/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands beside `ferry run` share: where they look and how they take options. */

#include "vmm/tools/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "vfio/host/sysfs.h"
#include "vmm/base/log.h"
#include "vmm/foreign.h"
#include "vmm/tools/inuse.h"
#include "vmm/tools/json.h"
#include "vmm/tools/terminal.h"

static const char *const pci_ids[] = {
	"/usr/share/misc/pci.ids",
	"/usr/share/hwdata/pci.ids",
	NULL,
};

void tool_here(struct tool *tool)
{
	static char modules[PATH_MAX];
	struct utsname name;

	snprintf(modules, sizeof(modules), "/lib/modules/%s",
		 uname(&name) == 0 ? name.release : "unknown");
	*tool = (struct tool){
		.sys = "/sys",
		.dev = "/dev",
		.proc = "/proc",
		.run = "/run",
		.modules = modules,
		.passwd = "/etc/passwd",
		.pci_ids = pci_ids,
		.each_address = inuse_each_address,
		.out = stdout,
		.width = terminal_width(STDOUT_FILENO),
	};
}

static int tool_help_option(const struct option *options)
{
	while (options->name && strcmp(options->name, "help") != 0)
		options++;
	return options->val;
}

static const char *tool_option_name(const struct option *options, int value)
{
	for (; options->name; options++)
		if (options->val == value)
			return options->name;
	return "?";
}

/* Whether the command has an option that @name, up to its end or '=', is the whole name of. */
static bool tool_has_option(const struct option *options, const char *name)
{
	size_t length = strcspn(name, "= ");

	while (options->name &&
	       (strncmp(options->name, name, length) != 0 || options->name[length]))
		options++;
	return options->name;
}

/* What to do instead of the unknown option @word: as `ferry run` says it, where that helps here. */
static void tool_refuse_option(const char *command, const struct option *options, const char *word,
			       struct err *err)
{
	static const char says[] = "Ferry's word is --";
	const char *name = word + strspn(word, "-"), *advice = foreign_advice(word);
	bool is_runs = advice && *advice != '`' &&
		       !(strncmp(advice, says, sizeof(says) - 1) == 0 &&
			 tool_has_option(options, advice + sizeof(says) - 1));

	if (tool_has_option(options, name)) {
		advice = "it has two dashes";
		is_runs = false;
	} else if (strncmp(name, "vfio", 4) == 0 || strncmp(name, "device", 6) == 0) {
		advice = "devices are named without one";
		is_runs = false;
	}
	err_set(err, -EINVAL, "unknown option '%.80s'%s%s%s: see ferry %s --help", word,
		is_runs ? ": it is for ferry run" : "", advice ? ": " : "", advice ? advice : "",
		command);
}

int tool_option(int argc, char **argv, const struct option *options, bool first, struct err *err)
{
	const char *command = argv[0], *word;
	int found;

	opterr = 0;
	if (first)
		optind = 0;
	found = getopt_long(argc, argv, ":", options, NULL);
	word = found == '?' ? foreign_word(argv) : "";
	if (strcmp(word, "-h") == 0)
		return tool_help_option(options);
	if (found == ':')
		err_set(err, -EINVAL, "--%s: needs a value: see ferry %s --help",
			tool_option_name(options, optopt), command);
	else if (found == '?' && optopt > 255)
		err_set(err, -EINVAL, "--%s: takes no value: see ferry %s --help",
			tool_option_name(options, optopt), command);
	else if (found == '?')
		tool_refuse_option(command, options, word, err);
	return found == ':' ? '?' : found;
}

/* getopt_long() takes a beginning too. */
bool tool_wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strlen(argv[i]) > 2 && strncmp("--json", argv[i], strlen(argv[i])) == 0)
			return true;
	return false;
}

int tool_check_names(char *const *names, size_t count, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++)
		rc = vfio_sysfs_check_name(names[i], err);
	return rc;
}

int tool_may_open(const char *path)
{
	return faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) ? -errno : 0;
}

const char *tool_duration(long long seconds, char text[TOOL_DURATION])
{
	long long minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

	if (days)
		snprintf(text, TOOL_DURATION, "%lld d %lld h", days, hours % 24);
	else if (hours)
		snprintf(text, TOOL_DURATION, "%lld h %lld min", hours, minutes % 60);
	else if (minutes)
		snprintf(text, TOOL_DURATION, "%lld min %lld s", minutes, seconds % 60);
	else
		snprintf(text, TOOL_DURATION, "%lld s", seconds);
	return text;
}

int tool_fail(const struct tool *tool, bool json, int status, const struct err *err)
{
	log_error("%s", err->text);
	if (json &&
	    tool_json_print(json_pack("{s:o}", "error", tool_json_error(status, err)), tool->out))
		return TOOL_FAILED;
	return status;
}

int tool_finish(const struct tool *tool, int status)
{
	int rc = fflush(tool->out) ? -errno : 0;

	if (status != TOOL_OK || (!rc && !ferror(tool->out)))
		return status;
	log_error("what it says could not be printed%s%s", rc ? ": " : "", rc ? err_text(rc) : "");
	return TOOL_FAILED;
}

int tool_print(const struct tool *tool, const char *text)
{
	if (fputs(text, tool->out) == EOF || fflush(tool->out)) {
		log_error("what it says could not be printed: %s", err_text(errno));
		return TOOL_FAILED;
	}
	return TOOL_OK;
}
