/* SPDX-License-Identifier: BSD-3-Clause */
/* How a test program is run, and what of a process is counted to find leaks. */

#include "tests/unit/support/suite.h"

#include <dirent.h>
#include <pthread.h>
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

static void *do_nothing(void *argument)
{
	return argument;
}

/* A sanitizer's own thread comes with the first one made: that is not to be counted later. */
unsigned int count_threads(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, do_nothing, NULL) != 0)
		abort();
	pthread_join(thread, NULL);
	usleep(10000);
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
