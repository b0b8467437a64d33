/* SPDX-License-Identifier: BSD-3-Clause */
/* What the host's kernel tells of its processors, and of how it was started. */

#ifndef FERRY_VMM_HOSTCPU_H
#define FERRY_VMM_HOSTCPU_H

#include <stdbool.h>

enum hostcpu_vendor { HOSTCPU_OTHER, HOSTCPU_INTEL, HOSTCPU_AMD, HOSTCPU_ARM };

struct hostcpu {
	enum hostcpu_vendor vendor;
	bool x86;           /* of whichever vendor */
	unsigned int count; /* of those that are on */
	bool flags;         /* it lists what x86's can do; of the first processor: */
	bool vmx, svm, hypervisor;
};

/* Reads @proc/cpuinfo; all zero where there is none. */
void hostcpu_read(const char *proc, struct hostcpu *host);

/* Whether the kernel was started with @argument, by @proc/cmdline. */
bool hostcpu_booted_with(const char *proc, const char *argument);

#endif
