/* SPDX-License-Identifier: BSD-3-Clause */
/* Files for one test, a folder of them, and what another program says of those. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_SCRATCH_H
#define FERRY_TESTS_UNIT_SUPPORT_SCRATCH_H

#include <stddef.h>

enum { SCRATCH_PATH = 64 };

/* A file of its own with these bytes, whose path is put into @path; the caller's to remove. */
void scratch_file(char path[SCRATCH_PATH], const void *bytes, size_t size);

/* The same, a pipe with a name. */
void scratch_pipe(char path[SCRATCH_PATH]);

/* Runs a shell command in @folder, what it prints going to the file "log" there; its status. */
int scratch_shell(const char *folder, const char *command);

/* Prints that log. */
void scratch_show_log(const char *folder);

/* Removes @folder, which has no folders in it. */
void scratch_remove(const char *folder);

#endif
