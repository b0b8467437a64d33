/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads with a stack of their size, not of the process's. */

#ifndef FERRY_BASE_THREAD_H
#define FERRY_BASE_THREAD_H

#include <pthread.h>

#include "vmm/base/err.h"

/*
 * pthread_create() with a stack of 512 KiB: the usual 8 MiB is aligned so that its first touch takes a
 * whole huge page. 0 or a negative errno.
 */
int thread_create(pthread_t *thread, void *(*function)(void *), void *argument) FERRY_MUST_CHECK;

#endif
