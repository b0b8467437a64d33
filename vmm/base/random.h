/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes that nobody can guess. */

#ifndef FERRY_BASE_RANDOM_H
#define FERRY_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Has random_fill() read a device that is open, where another system call cannot be made any more.
 * Nothing to do while the host has no randomness, as early at its start. Main thread.
 */
void random_hold(void);

/* Fills @bytes, 256 at most; false: the host has no randomness yet. Never waits. */
bool random_fill(void *bytes, size_t size);

#endif
