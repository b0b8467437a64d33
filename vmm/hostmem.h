/* SPDX-License-Identifier: BSD-3-Clause */
/* How much memory the host, and the control group that Ferry is in, can give to a guest. */

#ifndef FERRY_VMM_HOSTMEM_H
#define FERRY_VMM_HOSTMEM_H

#include <limits.h>
#include <stdint.h>

#include "vmm/base/err.h"

/* In bytes; the tighter one of the host and its control groups. */
struct hostmem {
	uint64_t available; /* UINT64_MAX: nobody can tell */
	uint64_t kept;      /* of it for others than the guest's RAM */
	uint64_t most;      /* RAM that a guest can have pinned, in whole MiB */
	char whose[PATH_MAX + 64];
};

/*
 * Reads @proc/meminfo and the memory limits of this process's control groups (version 2 and 1, with
 * those above them) under @sys/fs/cgroup. Huge pages are not among it: hugepages_check() counts
 * those.
 */
void hostmem_read(const char *proc, const char *sys, struct hostmem *host);

/* What takes all of a guest's RAM at once. */
#define HOSTMEM_PINNED    "a passed-through device pins"
#define HOSTMEM_POPULATED "prealloc takes"

/*
 * Whether @ram bytes of ordinary pages can be had at once, as @who (above) will ask for them: 0, or
 * -ENOMEM with @err giving all figures.
 */
int hostmem_check(const struct hostmem *host, uint64_t ram, const char *who,
		  struct err *err) FERRY_MUST_CHECK;

/* Bytes of this process that are in memory by now, of a guest that runs mostly its RAM. */
uint64_t hostmem_resident(const char *proc);

/*
 * As hostmem_check() for a guest that runs, whose RAM is to be pinned and of which @resident bytes
 * are there already.
 */
int hostmem_check_rest(const struct hostmem *host, uint64_t ram, uint64_t resident,
		       struct err *err) FERRY_MUST_CHECK;

#endif
