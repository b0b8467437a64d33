/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the process may lock as much memory as its guest's RAM needs. */

#ifndef FERRY_VFIO_MEMLOCK_H
#define FERRY_VFIO_MEMLOCK_H

#include <stdint.h>

#include "vmm/base/err.h"

/*
 * Makes sure that @need bytes can be pinned: nothing to do with CAP_IPC_LOCK, else raises the soft
 * limit of RLIMIT_MEMLOCK up to the hard one, and that with CAP_SYS_RESOURCE. -ENOMEM with @err
 * saying need, limit and remedy.
 */
int vfio_memlock_ensure(uint64_t need, struct err *err) FERRY_MUST_CHECK;

#endif
