/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread's pause that somebody else can end. */

#ifndef FERRY_BASE_PAUSE_H
#define FERRY_BASE_PAUSE_H

#include <stdbool.h>

/* Waits so long, unless the eventfd @stop is signalled: then it returns false at once. */
bool pause_unless(int stop, int milliseconds);

#endif
