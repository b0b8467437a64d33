/* SPDX-License-Identifier: BSD-3-Clause */
/* The time that deadlines are told in. */

#ifndef FERRY_BASE_CLOCK_H
#define FERRY_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since some moment before the run; it never goes back. */
static inline int64_t clock_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
