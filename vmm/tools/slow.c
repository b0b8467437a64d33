/* SPDX-License-Identifier: BSD-3-Clause */
/* Says what a command waits for when that takes more than a second. */

#include "vmm/tools/slow.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "vmm/base/log.h"
#include "vmm/base/thread.h"

static void *slow_watch(void *argument)
{
	struct slow *slow = argument;
	struct timespec end;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec++;
	pthread_mutex_lock(&slow->lock);
	while (!slow->done && rc == 0)
		rc = pthread_cond_timedwait(&slow->changed, &slow->lock, &end);
	if (!slow->done)
		log_notice("%s", slow->text);
	pthread_mutex_unlock(&slow->lock);
	return NULL;
}

void slow_begin(struct slow *slow, const char *format, ...)
{
	pthread_condattr_t attributes;
	va_list args;

	*slow = (struct slow){0};
	va_start(args, format);
	vsnprintf(slow->text, sizeof(slow->text), format, args);
	va_end(args);
	pthread_mutex_init(&slow->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&slow->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	slow->watched = thread_create(&slow->thread, slow_watch, slow) == 0;
}

void slow_end(struct slow *slow)
{
	pthread_mutex_lock(&slow->lock);
	slow->done = true;
	pthread_cond_signal(&slow->changed);
	pthread_mutex_unlock(&slow->lock);
	if (slow->watched)
		pthread_join(slow->thread, NULL);
	pthread_cond_destroy(&slow->changed);
	pthread_mutex_destroy(&slow->lock);
}
