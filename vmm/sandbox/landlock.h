/* SPDX-License-Identifier: BSD-3-Clause */
/* Files, TCP and processes outside, walled off by the kernel's Landlock (landlock(7)). */

#ifndef FERRY_VMM_SANDBOX_LANDLOCK_H
#define FERRY_VMM_SANDBOX_LANDLOCK_H

#include "vmm/base/err.h"

/*
 * Which version of Landlock the kernel has: from 1 up, or a negative errno: -ENOSYS where it was
 * built without, -EOPNOTSUPP where it was started without.
 */
int landlock_version(void);

/*
 * For the calling thread and all that it starts, with all of what @version knows. no_new_privs is
 * set. 0 or a negative errno.
 */
int landlock_enter(int version) FERRY_MUST_CHECK;

#endif
