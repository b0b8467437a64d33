/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host's kernel tells of its processors, and of how it was started. */

#include "vmm/hostcpu.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/text.h"

static const char blanks[] = " \t\n";

static void hostcpu_take_flags(struct hostcpu *host, const char *flags)
{
	host->flags = true;
	host->vmx = text_has_word(flags, blanks, "vmx");
	host->svm = text_has_word(flags, blanks, "svm");
	host->hypervisor = text_has_word(flags, blanks, "hypervisor");
}

static void hostcpu_take_line(struct hostcpu *host, const char *line)
{
	const char *value = strchr(line, ':');

	if (!value)
		return;
	if (strncmp(line, "processor", 9) == 0) {
		host->count++;
	} else if (strncmp(line, "CPU implementer", 15) == 0) {
		host->vendor = HOSTCPU_ARM;
	} else if (strncmp(line, "vendor_id", 9) == 0) {
		host->x86 = true;
		if (strstr(value, "GenuineIntel"))
			host->vendor = HOSTCPU_INTEL;
		if (strstr(value, "AuthenticAMD") || strstr(value, "HygonGenuine"))
			host->vendor = HOSTCPU_AMD;
	} else if (strncmp(line, "flags", 5) == 0 && !host->flags) {
		hostcpu_take_flags(host, value);
	}
}

/* Lines of flags are some thousand characters long. */
void hostcpu_read(const char *proc, struct hostcpu *host)
{
	char path[PATH_MAX], *line = NULL;
	size_t room = 0;
	FILE *file;

	*host = (struct hostcpu){0};
	snprintf(path, sizeof(path), "%s/cpuinfo", proc);
	file = fopen(path, "re");
	while (file && getline(&line, &room, file) > 0)
		hostcpu_take_line(host, line);
	if (file)
		fclose(file);
	free(line);
}

bool hostcpu_booted_with(const char *proc, const char *argument)
{
	char path[PATH_MAX], *line = NULL;
	bool found = false;
	size_t room = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/cmdline", proc);
	file = fopen(path, "re");
	if (file && getline(&line, &room, file) > 0)
		found = text_has_word(line, blanks, argument);
	if (file)
		fclose(file);
	free(line);
	return found;
}
