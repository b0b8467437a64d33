/* SPDX-License-Identifier: BSD-3-Clause */
/* What clients of the control socket ask about the machine, in the form of QMP's answers. */

#ifndef FERRY_VMM_CONTROL_QUERY_H
#define FERRY_VMM_CONTROL_QUERY_H

#include <jansson.h>

#include "vmm/control/target.h"

/* A new value each; NULL: no memory. */
json_t *control_query_status(const struct control_target *target);
json_t *control_query_cpus(const struct control_target *target);
json_t *control_query_memory(const struct control_target *target);
json_t *control_query_pci(const struct control_target *target);
/* What `ferry ctl status` shows, in a form of Ferry's own. */
json_t *control_query_all(const struct control_target *target);

#endif
