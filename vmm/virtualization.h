/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why there is no KVM on this host: the processor, its firmware, a hypervisor above, or just a
 * module.
 */

#ifndef FERRY_VMM_VIRTUALIZATION_H
#define FERRY_VMM_VIRTUALIZATION_H

#include <stdbool.h>

#include "vmm/base/err.h"

/* All constants. */
struct virtualization {
	const char *cause;   /* a word for programs: "none", "hidden", "module", "node" ... */
	const char *text;    /* the reason as a clause */
	const char *command; /* what mends it begins with this command; "": it is none */
	const char *mend;    /* and goes on with this */
};

/*
 * What @proc and @sys tell of a host where /dev/kvm cannot be opened for want of a device behind
 * it.
 */
void virtualization_find(const char *proc, const char *sys, struct virtualization *found);

/* Whether opening /dev/kvm failed with @code, a negative errno, for want of a device behind it. */
bool virtualization_is_lacking(int code);

/* Completes @err, of opening /dev/kvm, with the reason and what to do, if that is what it is of. */
void virtualization_explain(const char *proc, const char *sys, struct err *err);

#endif
