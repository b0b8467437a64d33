/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of the host that fails while it is used, which the kernel tells by SIGBUS. */

#ifndef FERRY_VMM_MACHINE_MEMORY_FAILURE_H
#define FERRY_VMM_MACHINE_MEMORY_FAILURE_H

#include <stdbool.h>

/*
 * From here on a SIGBUS that the monitor's own access raised ends the process with a sentence and
 * the terminal as it was; the kernel gives the devices back. Handlers are the process's: once is
 * enough.
 */
void memory_failure_watch(void);

/* In a vCPU's thread around KVM_RUN: what fails meanwhile is the guest's, and is only noted. */
void memory_failure_expect(bool expected);

/* Whether the guest met a failed page in this thread since the last call; *@host is its address. */
bool memory_failure_take(const void **host);

#endif
