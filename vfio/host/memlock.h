/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the process may lock as much memory as its guest's RAM needs. */

#ifndef FERRY_VFIO_HOST_MEMLOCK_H
#define FERRY_VFIO_HOST_MEMLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

/* For whom the kernel counts what is pinned. */
struct vfio_memlock_scope {
	/*
	 * NULL: for this process. Else for its user, through whichever process: /proc, where those
	 * are.
	 */
	const char *user_proc;
	/* What the user's other processes had pinned at the last look: /proc may be shut since. */
	uint64_t others;
};

struct vfio_memlock {
	bool enough;     /* as it is */
	bool may_raise;  /* it is not, but this process may raise it */
	uint64_t hard;   /* the limit that may not be passed, bytes; 0 when nothing is counted */
	uint64_t others; /* bytes that the user's other processes have pinned, if these count */
	/*
	 * "", or a sentence: it would do without @others, but not beside them. Not all of what they
	 * have pinned need be of what the kernel counts here, so that this is no refusal.
	 */
	char doubt[640];
};

/* Asks without changing anything. -ENOMEM with @err as below when @need cannot be had. */
int vfio_memlock_check(const struct vfio_memlock_scope *scope, uint64_t need,
		       struct vfio_memlock *memlock, struct err *err) FERRY_MUST_CHECK;

/*
 * Makes sure that @need bytes can be pinned: nothing to do with CAP_IPC_LOCK, else raises the soft
 * limit of RLIMIT_MEMLOCK up to the hard one, and that with CAP_SYS_RESOURCE. -ENOMEM with @err
 * saying need, limit and remedy; a doubt is a warning.
 */
int vfio_memlock_ensure(struct vfio_memlock_scope *scope, uint64_t need,
			struct err *err) FERRY_MUST_CHECK;

/*
 * Why the kernel refused to pin @more bytes with ENOMEM, and what a person can do, to go behind a
 * colon.
 */
void vfio_memlock_explain(const struct vfio_memlock_scope *scope, uint64_t more, char *text,
			  size_t size);

#endif
