/* SPDX-License-Identifier: BSD-3-Clause */
/* The time in which a guest finds its devices: its writes to latches then cost no exits. */

#include "vmm/machine/enumeration.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/log.h"

enum {
	LOOK_MS = 50, /* as long as a write may wait for its effect */
	/* Longer than a kernel is at anything else before its first process. */
	QUIET_LOOKS = 10000 / LOOK_MS,
	MOST_LOOKS = 60000 / LOOK_MS, /* for one that never begins, or never ends */
};

static void enumeration_look(void *owner, uint32_t events)
{
	struct enumeration *enumeration = owner;
	uint64_t times, count;

	(void)events;
	if (read(enumeration->timer, &times, sizeof(times)) != sizeof(times))
		return;
	kvm_coalesced_drain(enumeration->coalesced, enumeration->vcpu);
	count = kvm_coalesced_count(enumeration->coalesced);
	if (count != enumeration->count)
		enumeration->quiet = QUIET_LOOKS;
	else if (enumeration->quiet > 0)
		enumeration->quiet--;
	enumeration->count = count;
	enumeration->looks--;
	if (enumeration->quiet == 0 || enumeration->looks == 0)
		enumeration_end(enumeration);
}

static void enumeration_give_timer_back(struct enumeration *enumeration)
{
	static const struct itimerspec never = {0};

	if (!enumeration->spare)
		fd_close(&enumeration->timer);
	else
		timerfd_settime(enumeration->spare, 0, &never, NULL);
	enumeration->timer = -1;
}

static int enumeration_watch(struct enumeration *enumeration)
{
	const struct timespec look = {.tv_nsec = LOOK_MS * 1000000L};
	const struct itimerspec time = {.it_value = look, .it_interval = look};
	struct err err = {0};

	enumeration->timer = enumeration->spare
				     ? enumeration->spare
				     : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (enumeration->timer < 0 || timerfd_settime(enumeration->timer, 0, &time, NULL))
		return -errno;
	return loop_add(enumeration->loop, enumeration->timer, EPOLLIN, enumeration_look,
			enumeration, &err);
}

void enumeration_begin(struct enumeration *enumeration, struct loop *loop,
		       struct kvm_coalesced *coalesced, struct kvm_vcpu *vcpu)
{
	int timer = enumeration->timer, spare = enumeration->spare;

	if (!kvm_coalesced_open(coalesced))
		return;
	*enumeration = (struct enumeration){
		.loop = loop,
		.coalesced = coalesced,
		.vcpu = vcpu,
		.count = kvm_coalesced_count(coalesced),
		.looks = MOST_LOOKS,
		.quiet = MOST_LOOKS,
		.timer = timer,
		.spare = spare,
	};
	if (timer < 0 && enumeration_watch(enumeration)) {
		log_debug("KVM: writes are not coalesced: no timer to look after them");
		kvm_coalesced_close(coalesced);
		enumeration_give_timer_back(enumeration);
	}
}

void enumeration_end(struct enumeration *enumeration)
{
	if (enumeration->timer < 0)
		return;
	loop_remove(enumeration->loop, enumeration->timer);
	enumeration_give_timer_back(enumeration);
	kvm_coalesced_close(enumeration->coalesced);
	kvm_coalesced_drain(enumeration->coalesced, enumeration->vcpu);
}
