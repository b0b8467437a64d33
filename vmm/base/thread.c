/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads with a stack of their size, and the signals that are the main thread's alone. */

#include "vmm/base/thread.h"

#include <stddef.h>

static const size_t stack_size = 512 * 1024;

void thread_main_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGCONT);
	sigaddset(signals, SIGUSR1);
}

int thread_create(pthread_t *thread, void *(*function)(void *), void *argument)
{
	pthread_attr_t attributes;
	sigset_t signals, before;
	int rc = pthread_attr_init(&attributes);

	if (rc)
		return -rc;
	thread_main_signals(&signals);
	/* The new thread inherits the mask. */
	pthread_sigmask(SIG_BLOCK, &signals, &before);
	rc = pthread_attr_setstacksize(&attributes, stack_size);
	if (!rc)
		rc = pthread_create(thread, &attributes, function, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -rc;
}
