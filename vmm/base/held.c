/* SPDX-License-Identifier: BSD-3-Clause */
/* What stays reachable by name once the process has given up all else. */

#include "vmm/base/held.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/files.h"

enum { HELD_MAX = 16 };

/* Of the process, as its rights are. A descriptor of 0, which no such one has, is a free place. */
static struct {
	enum held_kind kind;
	int fd;
	const char *path; /* of a file */
} held[HELD_MAX];

static int held_open(enum held_kind kind, const char *path)
{
	switch (kind) {
	case HELD_FILE:
	case HELD_RANDOM:
		return open(path, O_RDONLY | O_CLOEXEC);
	case HELD_TERMINAL:
		return open(path, O_PATH | O_CLOEXEC);
	default:
		return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
}

int held_add(enum held_kind kind, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		int fd;

		if (held[i].fd)
			continue;
		fd = held_open(kind, path);
		if (fd < 0)
			return -errno;
		held[i].kind = kind;
		held[i].path = kind == HELD_FILE ? path : NULL;
		held[i].fd = fd;
		return fd;
	}
	return -ENOSPC;
}

const char *held_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int held_add_folder_of(const char *path)
{
	int length = (int)(held_name(path) - path);
	char folder[PATH_MAX];

	if (length == 0)
		return held_add(HELD_NAMES, ".");
	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	snprintf(folder, sizeof(folder), "%.*s", length, path);
	return held_add(HELD_NAMES, folder);
}

void held_remove(int *fd)
{
	if (*fd <= 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i].fd == *fd)
			held[i].fd = 0;
	fd_close(fd);
}

FILE *held_fopen(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i].fd && held[i].path && strcmp(held[i].path, path) == 0)
			return files_stream(held[i].fd);
	return files_open(path);
}

int held_descriptor(enum held_kind kind, size_t index)
{
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i].fd && held[i].kind == kind && index-- == 0)
			return held[i].fd;
	return -1;
}
