/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder for one test's files, made by mkdtemp(). */

#include "tests/unit/support/scratch.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int scratch_shell(const char *folder, const char *command)
{
	char line[1024];

	snprintf(line, sizeof(line), "cd '%s' && { %s; } >>log 2>&1", folder, command);
	return system(line);
}

void scratch_show_log(const char *folder)
{
	char line[512];

	snprintf(line, sizeof(line), "cat '%s/log'", folder);
	ck_assert_int_eq(system(line), 0);
}

void scratch_remove(const char *folder)
{
	DIR *stream = opendir(folder);
	struct dirent *entry;
	char path[512];

	ck_assert_ptr_nonnull(stream);
	while ((entry = readdir(stream))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		unlink(path);
	}
	closedir(stream);
	ck_assert_int_eq(rmdir(folder), 0);
}
