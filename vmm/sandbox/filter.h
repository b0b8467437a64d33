/* SPDX-License-Identifier: BSD-3-Clause */
/* The filters of system calls, one for each kind of thread, made of the table at build time. */

#ifndef FERRY_VMM_SANDBOX_FILTER_H
#define FERRY_VMM_SANDBOX_FILTER_H

#include <linux/filter.h>
#include <stddef.h>

#include "vmm/base/thread.h"

struct sandbox_filter {
	const char *kind;
	unsigned int calls; /* how many it lets, by whichever arguments */
	size_t length;
	const struct sock_filter *code; /* SANDBOX_SELF in the place of the process's number */
};

extern const struct sandbox_filter sandbox_filters[THREAD_KINDS];

/* The name of one, for a sentence. */
const char *sandbox_call_name(unsigned int call);

#endif
