/* SPDX-License-Identifier: BSD-3-Clause */
/* The time in which a guest finds its devices: its writes to latches then cost no exits. */

#ifndef FERRY_VMM_MACHINE_ENUMERATION_H
#define FERRY_VMM_MACHINE_ENUMERATION_H

#include "vmm/base/loop.h"
#include "vmm/kvm/coalesced.h"

/*
 * A start is hundreds of writes to 0xcf8, each with a read behind it. Afterwards there are few, and
 * nothing is worth waking the monitor for.
 */
struct enumeration {
	struct loop *loop;
	struct kvm_coalesced *coalesced;
	struct kvm_vcpu *vcpu;
	uint64_t count;     /* of writes, at the last look */
	unsigned int looks; /* that are left */
	unsigned int quiet; /* those of them in which the guest may write nothing */
	int timer;          /* -1: over */
	int spare;          /* a timerfd that was made ahead, the owner's; 0: none */
};

/*
 * From the machine's start or restart on, until the guest, once it began, has written to no latch
 * for some seconds. Until then the loop, on whose thread this is called, carries out now and then
 * what the guest wrote without an exit since: also a guest that waits for its reset gets it. Where
 * KVM cannot do it, or there is no timer, nothing is kept. @loop, @coalesced and @vcpu outlive it.
 * One that goes on begins anew.
 */
void enumeration_begin(struct enumeration *enumeration, struct loop *loop,
		       struct kvm_coalesced *coalesced, struct kvm_vcpu *vcpu);

/* Ends it before its time; also where it never was, with a timer of -1. */
void enumeration_end(struct enumeration *enumeration);

#endif
