/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A GSI table with its irqfds, made of nothing, for the one test program that includes this. As
 * with KVM's own, several threads may ask it at once; its fields are for a test without other
 * threads.
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_IRQ_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_IRQ_H

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tests/unit/support/fault.h"
#include "vmm/base/fd.h"
#include "vmm/kvm/irq.h"
#include "vmm/kvm/vm.h"

enum { FAKE_GSIS = 4096, FAKE_FIRST_MSI = 24, FAKE_IRQFDS = 256 };

struct fake_irqfd {
	unsigned int gsi;
	int eventfd, resample;
};

struct kvm_irq {
	pthread_mutex_t lock;
	bool used[FAKE_GSIS];
	bool fired[FAKE_GSIS];  /* what was signalled before it was attached, for which KVM looks */
	unsigned int allocated; /* of them */
	struct kvm_msi_message message[FAKE_GSIS];
	struct fake_irqfd irqfds[FAKE_IRQFDS];
	unsigned int staged, commits, attached;
	unsigned int calls, fail_at; /* the fail_at-th call that can fail does so */
};

static inline void fake_irq_init(struct kvm_irq *irq)
{
	memset(irq, 0, sizeof(*irq));
	pthread_mutex_init(&irq->lock, NULL);
}

static inline const struct fake_irqfd *fake_irq_find_locked(const struct kvm_irq *irq,
							    unsigned int gsi)
{
	for (unsigned int i = 0; i < irq->attached; i++)
		if (irq->irqfds[i].gsi == gsi)
			return &irq->irqfds[i];
	return NULL;
}

/* What is attached to @gsi, until the next call; NULL when nothing is. A GSI may have several. */
static inline const struct fake_irqfd *fake_irq_find(struct kvm_irq *irq, unsigned int gsi)
{
	const struct fake_irqfd *irqfd;

	pthread_mutex_lock(&irq->lock);
	irqfd = fake_irq_find_locked(irq, gsi);
	pthread_mutex_unlock(&irq->lock);
	return irqfd;
}

/* How many GSIs are allocated. */
static inline unsigned int fake_irq_used(struct kvm_irq *irq)
{
	unsigned int used;

	pthread_mutex_lock(&irq->lock);
	used = irq->allocated;
	pthread_mutex_unlock(&irq->lock);
	return used;
}

/* How many irqfds are attached. */
static inline unsigned int fake_irq_attached(struct kvm_irq *irq)
{
	unsigned int attached;

	pthread_mutex_lock(&irq->lock);
	attached = irq->attached;
	pthread_mutex_unlock(&irq->lock);
	return attached;
}

/* Whether an irqfd delivered something to @gsi since the last question. */
static inline bool fake_irq_delivered(struct kvm_irq *irq, unsigned int gsi)
{
	const struct fake_irqfd *irqfd;
	bool delivered;

	pthread_mutex_lock(&irq->lock);
	irqfd = fake_irq_find_locked(irq, gsi);
	/* Two at once are one for the guest. */
	delivered = (irqfd && fd_take_shared(irqfd->eventfd)) || irq->fired[gsi];
	irq->fired[gsi] = false;
	pthread_mutex_unlock(&irq->lock);
	return delivered;
}

/* Whether this call fails by the table's count, or as @name by the faults; @rc says with what. */
static inline bool fake_irq_fails(struct kvm_irq *irq, const char *name, int error, int *rc)
{
	*rc = error;
	return ++irq->calls == irq->fail_at || fault_answers(name, NULL, NULL, 0, rc);
}

static inline int fake_irq_alloc_locked(struct kvm_irq *irq)
{
	int rc;

	if (fake_irq_fails(irq, "GSI", -ENOSPC, &rc))
		return rc;
	for (int i = FAKE_FIRST_MSI; i < FAKE_GSIS; i++)
		if (!irq->used[i]) {
			irq->used[i] = true;
			irq->allocated++;
			return i;
		}
	return -ENOSPC;
}

int kvm_irq_alloc(struct kvm_irq *irq)
{
	int gsi;

	pthread_mutex_lock(&irq->lock);
	gsi = fake_irq_alloc_locked(irq);
	pthread_mutex_unlock(&irq->lock);
	return gsi;
}

void kvm_irq_free(struct kvm_irq *irq, unsigned int gsi)
{
	pthread_mutex_lock(&irq->lock);
	irq->allocated -= irq->used[gsi];
	irq->used[gsi] = false;
	irq->staged++;
	pthread_mutex_unlock(&irq->lock);
}

void kvm_irq_set_msi(struct kvm_irq *irq, unsigned int gsi, const struct kvm_msi_message *message)
{
	pthread_mutex_lock(&irq->lock);
	irq->message[gsi] = *message;
	irq->staged++;
	pthread_mutex_unlock(&irq->lock);
}

int kvm_irq_commit(struct kvm_irq *irq)
{
	int rc;

	pthread_mutex_lock(&irq->lock);
	if (!fake_irq_fails(irq, "GSI routing", -EIO, &rc)) {
		irq->commits += irq->staged != 0;
		irq->staged = 0;
		rc = 0;
	}
	pthread_mutex_unlock(&irq->lock);
	return rc;
}

static inline int fake_irq_attach_locked(struct kvm_irq *irq, unsigned int gsi, int eventfd,
					 int resample)
{
	int rc;

	if (fake_irq_fails(irq, "irqfd", -EINVAL, &rc))
		return rc;
	for (unsigned int i = 0; i < irq->attached; i++)
		if (irq->irqfds[i].eventfd == eventfd)
			return -EBUSY;
	if (irq->attached == FAKE_IRQFDS)
		return -ENOSPC;
	irq->irqfds[irq->attached++] =
		(struct fake_irqfd){.gsi = gsi, .eventfd = eventfd, .resample = resample};
	irq->fired[gsi] |= fd_is_signalled(eventfd);
	return 0;
}

int kvm_irq_attach(struct kvm_irq *irq, unsigned int gsi, int eventfd, int resample)
{
	int rc;

	pthread_mutex_lock(&irq->lock);
	rc = fake_irq_attach_locked(irq, gsi, eventfd, resample);
	pthread_mutex_unlock(&irq->lock);
	return rc;
}

void kvm_irq_detach(struct kvm_irq *irq, unsigned int gsi, int eventfd)
{
	pthread_mutex_lock(&irq->lock);
	for (unsigned int i = 0; i < irq->attached; i++)
		if (irq->irqfds[i].gsi == gsi && irq->irqfds[i].eventfd == eventfd)
			irq->irqfds[i] = irq->irqfds[--irq->attached];
	/* What is masked was taken by the guest before. */
	irq->fired[gsi] = irq->fired[gsi] && fake_irq_find_locked(irq, gsi);
	pthread_mutex_unlock(&irq->lock);
}

#endif
