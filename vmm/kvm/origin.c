/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose exit a thread handles, for those deep below who tell a person of it. */

#include "vmm/kvm/origin.h"

#include <stddef.h>

static _Thread_local struct kvm_origin origin_of_thread;
static _Thread_local bool origin_known;

void kvm_origin_set(const struct kvm_origin *origin)
{
	origin_known = origin;
	if (origin)
		origin_of_thread = *origin;
}

bool kvm_origin_get(struct kvm_origin *origin)
{
	*origin = origin_of_thread;
	return origin_known;
}
