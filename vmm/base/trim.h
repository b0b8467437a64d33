/* SPDX-License-Identifier: BSD-3-Clause */
/* Gives back the memory that only start-up needed. */

#ifndef FERRY_BASE_TRIM_H
#define FERRY_BASE_TRIM_H

/*
 * Keeps threads from getting heaps of their own, and large blocks out of the heap. Before the first
 * thread is started.
 */
void trim_prepare(void);

/*
 * Returns free heap to the kernel and unmaps the pages of program and libraries that were read so
 * far; those still in use come back from the page cache at the next touch. To call once set-up is
 * done.
 */
void trim_memory(void);

#endif
