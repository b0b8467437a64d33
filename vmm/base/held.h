/* SPDX-License-Identifier: BSD-3-Clause */
/* What stays reachable by name once the process has given up all else. */

#ifndef FERRY_BASE_HELD_H
#define FERRY_BASE_HELD_H

#include <stddef.h>
#include <stdio.h>

#include "vmm/base/err.h"

enum held_kind {
	HELD_FOLDER,   /* files below it are read */
	HELD_TERMINAL, /* it is opened again */
	HELD_NAMES,    /* names in this folder are removed */
	HELD_FILE,     /* it is read again and again, by held_fopen() */
	HELD_RANDOM,   /* it gives random bytes, see vmm/base/random.h */
};

/*
 * Opens @path, which stays reachable from now on: its descriptor, to read for HELD_FILE and for
 * nothing else, or a negative errno. Of a HELD_FILE @path itself is kept. Main thread, as what
 * follows.
 */
int held_add(enum held_kind kind, const char *path) FERRY_MUST_CHECK;

/* The same for the folder that the last part of @path is a name in (HELD_NAMES). */
int held_add_folder_of(const char *path) FERRY_MUST_CHECK;

/* The last part of @path, which is what its folder knows it by. */
const char *held_name(const char *path);

/* Closes it and sets *@fd to -1; nothing to do for 0 or less, which none has. */
void held_remove(int *fd);

/*
 * To read @path from its beginning: as it is now, also of one that is held and cannot be opened any
 * more. NULL with errno set. Any thread.
 */
FILE *held_fopen(const char *path);

/* The descriptor of the @index-th of @kind, or -1 when there are fewer. */
int held_descriptor(enum held_kind kind, size_t index);

#endif
