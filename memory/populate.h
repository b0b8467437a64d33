/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes the host provide pages before they are needed, from many threads, near to their users. */

#ifndef FERRY_MEMORY_POPULATE_H
#define FERRY_MEMORY_POPULATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum { POPULATE_THREADS_MAX = 64 };

struct nodes;

/* Where the pages are to come from. The arrays are the caller's. */
struct populate_place {
	const char *sysfs;        /* NULL: "/sys" */
	const unsigned int *pins; /* host processors of those who will use the memory; NULL: any */
	size_t pin_count;
	const struct nodes *nodes; /* what these make; NULL: it is found out */
};

/* Who watches it being done; members may be NULL. */
struct populate_watch {
	const atomic_bool *stop; /* set: at most a few MiB or one page more a thread */
	void (*done)(void *owner, uint64_t bytes); /* after each chunk, from any of the threads */
	void *owner;
};

/*
 * Populates the host pages of [@host, @host + @size) for writing with MADV_POPULATE_WRITE (Linux
 * 5.14; the guest may be running and writing: contents are kept), falling back to touching each
 * page with an atomic no-op. Whole pages that the range touches. Several threads may each do a
 * part. 0 or -errno (-ENOMEM, -EFAULT, -EHWPOISON, -EINVAL for memory that is not writable).
 */
int populate_pages(void *host, size_t size) FERRY_MUST_CHECK;

/* Which nodes they are to come from; before this process gives up its files. */
void populate_find_nodes(const struct populate_place *place, struct nodes *nodes);

/*
 * The same by chunks, from as many threads as there are processors to run on (POPULATE_THREADS_MAX
 * at most). On a host with several NUMA nodes each thread keeps to the processors of one, so that
 * the pages it is the first to touch are that node's; every node of @place has a share that goes by
 * its processors. Chunks are multiples of @page_size. Returns 0 when it was stopped, too.
 */
int populate_spread(const struct populate_place *place, void *host, uint64_t size,
		    uint64_t page_size, const struct populate_watch *watch) FERRY_MUST_CHECK;

#endif
