/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the process may lock as much memory as its guest's RAM needs. */

#ifndef FERRY_VFIO_HOST_MEMLOCK_H
#define FERRY_VFIO_HOST_MEMLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"

struct vfio_memlock {
	bool enough;    /* as it is */
	bool may_raise; /* not enough, but this process may raise it */
	uint64_t hard;  /* the limit that may not be passed, bytes; 0 when nothing is counted */
};

/* Asks without changing anything. -ENOMEM with @err as below when @need cannot be had. */
int vfio_memlock_check(uint64_t need, struct vfio_memlock *memlock,
		       struct err *err) FERRY_MUST_CHECK;

/*
 * Makes sure that @need bytes can be pinned: nothing to do with CAP_IPC_LOCK, else raises the soft
 * limit of RLIMIT_MEMLOCK up to the hard one, and that with CAP_SYS_RESOURCE. -ENOMEM with @err
 * saying need, limit and remedy.
 */
int vfio_memlock_ensure(uint64_t need, struct err *err) FERRY_MUST_CHECK;

#endif
