/* SPDX-License-Identifier: BSD-3-Clause */
/* How a test program is run, and what of a process is counted to find leaks. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_SUITE_H
#define FERRY_TESTS_UNIT_SUPPORT_SUITE_H

#include <check.h>
#include <stdbool.h>

/* Runs what @add_tests adds to one case; the program's exit status. */
int run_suite(const char *name, void (*add_tests)(TCase *tests));

/* Open descriptors and threads of this process, for leak checks. */
unsigned int count_descriptors(void);
unsigned int count_threads(void);

/* Whether there are @count again; a thread that was joined may need a moment to vanish. */
bool threads_are(unsigned int count);

#endif
