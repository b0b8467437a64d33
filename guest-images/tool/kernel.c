/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel tells and is told: the clock, its files, a process's status. */

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void file_write(const char *name, int flags, const char *value)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC | flags);

	if (fd < 0 || write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		err(1, "%s", name);
	close(fd);
}

void file_set(const char *name, const char *value)
{
	file_write(name, O_TRUNC, value);
}

void file_add(const char *name, const char *value)
{
	file_write(name, O_APPEND, value);
}

unsigned long status_value(pid_t pid, const char *format)
{
	char path[64], line[256];
	unsigned long value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, format, &value) == 1)
			break;
	if (file)
		fclose(file);
	return value;
}
