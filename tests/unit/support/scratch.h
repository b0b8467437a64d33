/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder for one test's files, and what another program says of them. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_SCRATCH_H
#define FERRY_TESTS_UNIT_SUPPORT_SCRATCH_H

/* Runs a shell command in @folder, what it prints going to the file "log" there; its status. */
int scratch_shell(const char *folder, const char *command);

/* Prints that log. */
void scratch_show_log(const char *folder);

/* Removes @folder, which has no folders in it. */
void scratch_remove(const char *folder);

#endif
