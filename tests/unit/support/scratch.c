/* SPDX-License-Identifier: BSD-3-Clause */
/* Files for one test, a folder of them, and what another program says of those. */

#include "tests/unit/support/scratch.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void scratch_file(char path[SCRATCH_PATH], const void *bytes, size_t size)
{
	FILE *file;
	int fd;

	snprintf(path, SCRATCH_PATH, "/tmp/ferry-test-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	file = fdopen(fd, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

void scratch_pipe(char path[SCRATCH_PATH])
{
	scratch_file(path, "", 0);
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
}

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
