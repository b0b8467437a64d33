/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a person debugging can ask the monitor: the table of commands, their words and their help.
 */

#include "vmm/debug/monitor.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/bits.h"
#include "vmm/debug/monitor_private.h"

enum { LINE_SIZE = 256, WORDS_MAX = 4, HELP_COLUMN = 31 };

static void monitor_help(const struct monitor *monitor, char **words, size_t count, FILE *out);

static const struct command {
	const char *name;
	const char *arguments;
	const char *help;    /* may have several lines */
	size_t fewest, most; /* words behind the name */
	monitor_function function;
} commands[] = {
	{"help", "", "this list", 0, 0, monitor_help},
	{"pci", "", "the functions on the bus and how each BAR is reached", 0, 0, monitor_pci},
	{"vfio", "[ADDR]",
	 "passed-through devices, or all about one: ADDR is the host's\n"
	 "address or, where no device has that, the guest's",
	 0, 1, monitor_vfio},
	{"irq", "", "the GSI table: pins and MSI routes, and who signals them", 0, 0, monitor_irq},
	{"mem", "", "guest-physical space, then ports: what is where", 0, 0, monitor_mem},
	{"translate", "ADDR",
	 "walks the guest's page tables from a virtual address\n"
	 "(-p ADDR: the same as physical ADDR)",
	 1, 2, monitor_translate},
	{"physical", "ADDR", "what is at a guest-physical address", 1, 1, monitor_physical},
	{"read", "[-d] ADDR LENGTH[:WIDTH]",
	 "physical memory, 4096 bytes at most; -d: devices too,\n"
	 "which may act on being read",
	 2, 3, monitor_read},
	{"write", "[-d] ADDR VALUE[:WIDTH]",
	 "physical memory, 1, 2, 4 (without WIDTH) or 8 bytes;\n"
	 "-d: devices too",
	 2, 3, monitor_write},
	{"powerdown", "", "presses the guest's power button", 0, 0, monitor_powerdown},
	{"exits", "", "how often each vCPU left the guest and why, and for what regions", 0, 0,
	 monitor_exits},
	{"kaslr", "", "where the guest's Linux kernel is, and the command that tells gdb", 0, 0,
	 monitor_kaslr},
};

/* Each line at HELP_COLUMN, the first behind @used characters. */
static void monitor_show_help(const char *help, int used, FILE *out)
{
	while (*help) {
		int length = (int)strcspn(help, "\n");

		fprintf(out, "%*s%.*s\n", HELP_COLUMN - used, "", length, help);
		help += length + (help[length] == '\n');
		used = 0;
	}
}

static void monitor_help(const struct monitor *monitor, char **words, size_t count, FILE *out)
{
	(void)monitor;
	(void)words;
	(void)count;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];
		int used = fprintf(out, "%s%s%s", command->name, *command->arguments ? " " : "",
				   command->arguments);

		monitor_show_help(command->help, used, out);
	}
	fputs("numbers are decimal, or hexadecimal behind 0x\n", out);
}

int monitor_parse_number(const char *text, uint64_t *number)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int base = 10;
	uint64_t value = 0;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (*text == '\0')
		return -EINVAL;
	for (; *text; text++) {
		char lower = *text >= 'A' && *text <= 'F' ? (char)(*text - 'A' + 'a') : *text;
		const char *digit = memchr(digits, lower, base);

		if (!digit)
			return -EINVAL;
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(digit - digits), &value))
			return -ERANGE;
	}
	*number = value;
	return 0;
}

bool monitor_take_number(const char *text, uint64_t *number, FILE *out)
{
	int rc = monitor_parse_number(text, number);

	if (rc < 0)
		fprintf(out, "'%s' is %s\n", text,
			rc == -ERANGE ? "too large: 64 bits are the most"
				      : "no number: write it as 4096 or 0x1000");
	return rc == 0;
}

struct kvm_vcpu *monitor_vcpu(const struct monitor *monitor, FILE *out)
{
	if (!monitor->stands)
		fputs("the guest is running: stop it first\n", out);
	else if (monitor->cpu >= run_count(monitor->run))
		fprintf(out, "there is no vCPU %u\n", monitor->cpu);
	else
		return run_vcpu(monitor->run, monitor->cpu);
	return NULL;
}

/* Takes the words of @line apart in place; more than WORDS_MAX are counted, not kept. */
static size_t monitor_split(char *line, char *words[WORDS_MAX])
{
	size_t count = 0;
	char *rest = line, *word;

	while ((word = strtok_r(rest, " \t\r\n", &rest))) {
		if (count < WORDS_MAX)
			words[count] = word;
		count++;
	}
	return count;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void monitor_say_unknown(const char *name, FILE *out)
{
	fprintf(out, "'%s' is no command: there are", name);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "%s %s", i ? "," : "", commands[i].name);
	fputc('\n', out);
}

void monitor_command(const struct monitor *monitor, const char *line, FILE *out)
{
	char copy[LINE_SIZE], *words[WORDS_MAX] = {NULL};
	const struct command *command;
	size_t count;

	if (strlen(line) >= sizeof(copy)) {
		fprintf(out, "the line is too long: %zu characters are the most\n",
			sizeof(copy) - 1);
		return;
	}
	strcpy(copy, line);
	count = monitor_split(copy, words);
	if (count == 0) {
		monitor_help(monitor, words, 0, out);
		return;
	}
	command = find_command(words[0]);
	if (!command)
		monitor_say_unknown(words[0], out);
	else if (count - 1 < command->fewest || count - 1 > command->most)
		fprintf(out, "%s takes %s\n", command->name,
			*command->arguments ? command->arguments : "nothing more");
	else
		command->function(monitor, words + 1, count - 1, out);
}
