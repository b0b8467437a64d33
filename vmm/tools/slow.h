/* SPDX-License-Identifier: BSD-3-Clause */
/* Says what a command waits for when that takes more than a second. */

#ifndef FERRY_VMM_TOOLS_SLOW_H
#define FERRY_VMM_TOOLS_SLOW_H

#include <pthread.h>
#include <stdbool.h>

#include "vmm/base/err.h"

struct slow {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool watched, done;
	char text[256];
};

/*
 * From here until slow_end() the kernel may keep the caller. Without memory for it nothing is said.
 */
void slow_begin(struct slow *slow, const char *format, ...) FERRY_PRINTF(2, 3);
void slow_end(struct slow *slow);

#endif
