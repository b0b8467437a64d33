/* SPDX-License-Identifier: BSD-3-Clause */
/* A GSI table with its irqfds, made of nothing, for the one test program that includes this. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_IRQ_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_IRQ_H

#include <errno.h>
#include <linux/kvm.h>
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
	bool used[FAKE_GSIS];
	unsigned int allocated; /* of them */
	struct kvm_msi_message message[FAKE_GSIS];
	struct fake_irqfd irqfds[FAKE_IRQFDS];
	unsigned int staged, commits, attached;
	unsigned int calls, fail_at; /* the fail_at-th call that can fail does so */
};

static inline void fake_irq_init(struct kvm_irq *irq)
{
	memset(irq, 0, sizeof(*irq));
}

/* What is attached to @gsi; NULL when nothing is. A GSI may have several. */
static inline const struct fake_irqfd *fake_irq_find(const struct kvm_irq *irq, unsigned int gsi)
{
	for (unsigned int i = 0; i < irq->attached; i++)
		if (irq->irqfds[i].gsi == gsi)
			return &irq->irqfds[i];
	return NULL;
}

/* How many GSIs are allocated. */
static inline unsigned int fake_irq_used(const struct kvm_irq *irq)
{
	return irq->allocated;
}

/* Whether an irqfd delivered something to @gsi since the last question. */
static inline bool fake_irq_delivered(struct kvm_irq *irq, unsigned int gsi)
{
	const struct fake_irqfd *irqfd = fake_irq_find(irq, gsi);

	return irqfd && fd_take(irqfd->eventfd);
}

int kvm_irq_alloc(struct kvm_irq *irq)
{
	int result;

	if (++irq->calls == irq->fail_at)
		return -ENOSPC;
	if (fault_answers("GSI", NULL, NULL, 0, &result))
		return result;
	for (int i = FAKE_FIRST_MSI; i < FAKE_GSIS; i++)
		if (!irq->used[i]) {
			irq->used[i] = true;
			irq->allocated++;
			return i;
		}
	return -ENOSPC;
}

void kvm_irq_free(struct kvm_irq *irq, unsigned int gsi)
{
	irq->allocated -= irq->used[gsi];
	irq->used[gsi] = false;
	irq->staged++;
}

void kvm_irq_set_msi(struct kvm_irq *irq, unsigned int gsi, const struct kvm_msi_message *message)
{
	irq->message[gsi] = *message;
	irq->staged++;
}

int kvm_irq_commit(struct kvm_irq *irq)
{
	int result;

	if (++irq->calls == irq->fail_at)
		return -EIO;
	if (fault_answers("GSI routing", NULL, NULL, 0, &result))
		return result;
	irq->commits += irq->staged != 0;
	irq->staged = 0;
	return 0;
}

int kvm_irq_attach(struct kvm_irq *irq, unsigned int gsi, int eventfd, int resample)
{
	int result;

	if (++irq->calls == irq->fail_at)
		return -EINVAL;
	if (fault_answers("irqfd", NULL, NULL, 0, &result))
		return result;
	for (unsigned int i = 0; i < irq->attached; i++)
		if (irq->irqfds[i].eventfd == eventfd)
			return -EBUSY;
	if (irq->attached == FAKE_IRQFDS)
		return -ENOSPC;
	irq->irqfds[irq->attached++] =
		(struct fake_irqfd){.gsi = gsi, .eventfd = eventfd, .resample = resample};
	return 0;
}

void kvm_irq_detach(struct kvm_irq *irq, unsigned int gsi, int eventfd)
{
	for (unsigned int i = 0; i < irq->attached; i++)
		if (irq->irqfds[i].gsi == gsi && irq->irqfds[i].eventfd == eventfd)
			irq->irqfds[i] = irq->irqfds[--irq->attached];
}

#endif
