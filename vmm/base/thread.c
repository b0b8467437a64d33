/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads with a stack of their size, not of the process's. */

#include "vmm/base/thread.h"

#include <stddef.h>

static const size_t stack_size = 512 * 1024;

int thread_create(pthread_t *thread, void *(*function)(void *), void *argument)
{
	pthread_attr_t attributes;
	int status = pthread_attr_init(&attributes);

	if (status)
		return -status;
	status = pthread_attr_setstacksize(&attributes, stack_size);
	if (!status)
		status = pthread_create(thread, &attributes, function, argument);
	pthread_attr_destroy(&attributes);
	return -status;
}
