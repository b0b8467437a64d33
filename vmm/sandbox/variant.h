/* SPDX-License-Identifier: BSD-3-Clause */
/* What differs between builds that are for use and those that look for faults. */

#ifndef FERRY_VMM_SANDBOX_VARIANT_H
#define FERRY_VMM_SANDBOX_VARIANT_H

#include <stdbool.h>

/* Whether a call that is refused ends the process at once, rather than the run in good order. */
bool variant_ends_at_once(void);

/* A folder that this build's own run-time library reads at the end, or NULL. */
const char *variant_folder(void);

#endif
