/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads with a stack of their size, and the signals that are the main thread's alone. */

#ifndef FERRY_BASE_THREAD_H
#define FERRY_BASE_THREAD_H

#include <pthread.h>
#include <signal.h>

#include "vmm/base/err.h"

/* Those that end a run, SIGCONT and the power button's SIGUSR1. */
void thread_main_signals(sigset_t *signals);

/*
 * pthread_create() with the main thread's signals blocked in the new one, and a stack of 512 KiB:
 * the usual 8 MiB is aligned so that its first touch takes a whole huge page. 0 or a negative
 * errno.
 */
int thread_create(pthread_t *thread, void *(*function)(void *), void *argument) FERRY_MUST_CHECK;

#endif
