/* SPDX-License-Identifier: BSD-3-Clause */
/* What the superuser may do, taken from this process for good (capabilities(7)). */

#ifndef FERRY_VMM_SANDBOX_CAPABILITY_H
#define FERRY_VMM_SANDBOX_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"

/* Whether it is in force for the calling thread. */
bool capability_is_effective(unsigned int capability);

/* Empties the bounding set, for the calling thread and all that it starts. */
void capability_empty_bounding_set(void);

/*
 * Has only those of the bits in @kept that are permitted now, in force, for the calling thread and
 * all that it starts; none to inherit, ambient or in the bounding set. 0 or a negative errno.
 */
int capability_keep(uint64_t kept) FERRY_MUST_CHECK;

#endif
