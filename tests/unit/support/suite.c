/* SPDX-License-Identifier: BSD-3-Clause */
/* How a test program is run, and what of a process is counted to find leaks. */

#include "tests/unit/support/suite.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int run_suite(const char *name, void (*add_tests)(TCase *tests))
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create(name);
	SRunner *runner;
	int failed;

	add_tests(tests);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}

static unsigned int count_entries(const char *path)
{
	unsigned int count = 0;
	DIR *folder = opendir(path);

	if (!folder)
		abort();
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

unsigned int count_descriptors(void)
{
	return count_entries("/proc/self/fd");
}

static void *get_own_id(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)gettid();
}

/*
 * A sanitizer's own thread comes with the first one made: that is not to be counted later. Nor is
 * the one made here, which the kernel still counts for a while after it was joined.
 */
unsigned int count_threads(void)
{
	pthread_t thread;
	void *id;

	if (pthread_create(&thread, NULL, get_own_id, NULL) != 0 || pthread_join(thread, &id) != 0)
		abort();
	while (tgkill(getpid(), (pid_t)(intptr_t)id, 0) == 0)
		usleep(100);
	return count_entries("/proc/self/task");
}

bool threads_are(unsigned int count)
{
	for (unsigned int i = 0; i < 100000; i++) {
		if (count_entries("/proc/self/task") == count)
			return true;
		usleep(100);
	}
	return false;
}
