/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds out by trying what debugging this host's KVM really does, in a virtual machine of a few
 * instructions.
 */

#ifndef FERRY_ARCH_X86_64_DEBUG_TRIAL_H
#define FERRY_ARCH_X86_64_DEBUG_TRIAL_H

#include "arch/debug.h"

/*
 * Takes from @support what KVM says it has and does not do: one that is itself a guest, or not the
 * processor's, may let a guest run past its breakpoints. Where no machine for the trial can be
 * made, @support stays as it is.
 */
void debug_trial(struct arch_debug_support *support);

#endif
