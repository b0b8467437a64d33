/* SPDX-License-Identifier: BSD-3-Clause */
/* What the user asked for: the words of the command line, and the lines of the files it names. */

#include <errno.h>
#include <string.h>

#include "vmm/config_private.h"
#include "vmm/foreign.h"
#include "vmm/option_file.h"

static const char *config_option_name(int id)
{
	for (const struct option *option = config_options(); option->name; option++) {
		if (option->val == id)
			return option->name;
	}
	return "?";
}

static int config_refuse_unknown(const char *word, struct err *err)
{
	const char *advice = foreign_advice(word);

	return err_set(err, -EINVAL, "unknown option '%.80s'%s%s: see ferry run --help", word,
		       advice ? ": " : "", advice ? advice : "");
}

static int config_usage_error(int found, const char *word, struct err *err)
{
	if (found == ':')
		return err_set(err, -EINVAL, "--%s: needs a value: see ferry run --help",
			       config_option_name(optopt));
	if (optopt > 255)
		return err_set(err, -EINVAL, "--%s: takes no value: see ferry run --help",
			       config_option_name(optopt));
	return config_refuse_unknown(word, err);
}

static int config_take_named(struct config *config, int id, const char *value, struct err *err)
{
	int rc = config_take(config, id, value, err);

	if (rc)
		err_prefix(err, "--%s", config_option_name(id));
	return rc;
}

static int config_take_kernel(struct config *config, const char *word, struct err *err)
{
	if (config->kernel)
		return err_set(err, -EINVAL,
			       "'%.80s': one kernel is booted, '%.80s': an initial RAM disk is "
			       "--initrd FILE; quote a command line of several words: see ferry "
			       "run --help",
			       word, config->kernel);
	config->kernel = word;
	if (!config_take_boot_file(config, word, &config->kernel_fd, err))
		return 0;
	return *word ? err->code : err_prefix(err, "KERNEL");
}

/* Names are whole here: what a beginning stands for may change. */
static const struct option *config_find_option(const char *name)
{
	const struct option *option = config_options();

	if (strncmp(name, "--", 2) != 0)
		return NULL;
	while (option->name && strcmp(option->name, name + 2) != 0)
		option++;
	return option->name ? option : NULL;
}

static int config_take_line(struct config *config, const struct option_line *line, struct err *err)
{
	const struct option *option;

	if (!line->name && *line->value == '@')
		return err_set(err, -EINVAL,
			       "'%.80s': a file of options names no other: give both on the "
			       "command line",
			       line->value);
	if (!line->name)
		return config_take_kernel(config, line->value, err);
	option = config_find_option(line->name);
	if (!option)
		return config_refuse_unknown(line->name, err);
	if (option->val == CONFIG_OPTION_HELP)
		return err_set(err, -EINVAL, "--help: it is for the command line");
	if (option->has_arg == no_argument && line->value)
		return err_set(err, -EINVAL, "%s: takes no value: see ferry run --help",
			       line->name);
	if (option->has_arg == required_argument && !line->value)
		return err_set(err, -EINVAL,
			       "%s: needs a value, on the same line: see ferry run --help",
			       line->name);
	return config_take_named(config, option->val, line->value, err);
}

static int config_take_file(struct config *config, const char *path, struct err *err)
{
	struct option_line line;
	struct option_file file;
	int more, rc;

	if (*path == '\0')
		return err_set(err, -EINVAL, "'@': it takes a file of options: @FILE");
	if (config->file_count == CONFIG_FILES_MAX)
		return err_set(err, -EINVAL, "@%s: %d files of options are the most", path,
			       CONFIG_FILES_MAX);
	rc = option_file_read(path, &file, err);
	if (rc)
		return rc;
	config->files[config->file_count++] = file.text;
	do {
		more = option_file_next(&file, &line, err);
		rc = more > 0 ? config_take_line(config, &line, err) : more;
	} while (more > 0 && !rc);
	if (rc)
		err_prefix(err, "%s:%u", path, line.number);
	return rc;
}

/* One found by getopt_long(); *@second is the first operand that is one too many. */
static int config_take_word(struct config *config, int id, const char *word, const char **second,
			    struct err *err)
{
	if (id != 1)
		return config_take_named(config, id, word, err);
	if (*word == '@')
		return config_take_file(config, word + 1, err);
	if (config->kernel && !*second)
		*second = word;
	return config->kernel ? 0 : config_take_kernel(config, word, err);
}

/* Those behind "--" are operands whatever they look like. */
static int config_take_rest(struct config *config, int argc, char **argv, const char *second,
			    struct err *err)
{
	int rc = second ? config_take_kernel(config, second, err) : 0;

	while (!rc && optind < argc)
		rc = config_take_kernel(config, argv[optind++], err);
	if (!rc && !config->kernel && !config->dump_acpi && !config->dump_fdt)
		return err_set(err, -EINVAL, "no KERNEL given: see ferry run --help");
	return rc;
}

static int config_check_terminal(const struct config *config, struct err *err)
{
	return config->hvc == HVC_STDIO && config->serial == SERIAL_STDIO
		       ? err_set(err, -EINVAL,
				 "--console stdio: the serial port has the terminal: add --serial "
				 "none, pty or file:PATH")
		       : 0;
}

int config_parse(struct config *config, int argc, char **argv, enum config_action *action,
		 struct err *err)
{
	const char *word, *second = NULL;
	int id, rc;

	config_begin(config);
	*action = CONFIG_RUN;
	opterr = 0;
	optind = 0;
	/* The hyphen has it tell of operands too, in their places, as 1. */
	while ((id = getopt_long(argc, argv, "-:", config_options(), NULL)) != -1) {
		word = id == '?' ? foreign_word(argv) : "";
		if (id == CONFIG_OPTION_HELP || strcmp(word, "-h") == 0) {
			*action = CONFIG_HELP;
			return 0;
		}
		if (id == '?' || id == ':')
			return config_usage_error(id, word, err);
		rc = config_take_word(config, id, optarg, &second, err);
		if (rc)
			return rc;
	}
	rc = config_spread_way(config, err);
	if (!rc)
		rc = config_check_terminal(config, err);
	if (!rc)
		rc = config_check_reconnect(config, err);
	if (!rc)
		rc = config_take_rest(config, argc, argv, second, err);
	return rc ? rc : config_check_files(config, err);
}
