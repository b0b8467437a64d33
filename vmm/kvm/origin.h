/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose exit a thread handles, for those deep below who tell a person of it. */

#ifndef FERRY_KVM_ORIGIN_H
#define FERRY_KVM_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

struct kvm_origin {
	unsigned int vcpu;
	bool has_pc;
	uint64_t pc; /* the instruction's or, where KVM has finished it, the next one's */
};

/* What the calling thread is at; NULL: no exit. The struct is copied. */
void kvm_origin_set(const struct kvm_origin *origin);

/* False on a thread that handles no exit. */
bool kvm_origin_get(struct kvm_origin *origin);

#endif
