/* SPDX-License-Identifier: BSD-3-Clause */
/* How long a guest takes from an interrupt to its answer: the doorbell of the completion queue. */

#include <stdio.h>
#include <time.h>

#include "tests/support/user-server/nvme_private.h"

/* So many are told of at once. */
enum { ANSWERS = 1000, NS_PER_SECOND = 1000 * 1000 * 1000 };

static uint64_t answers_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

void nvme_await_answer(struct nvme *nvme, unsigned int number)
{
	if (!nvme->times || !number || nvme->asked_ns)
		return;
	nvme->asking = number;
	nvme->asked_ns = answers_now_ns();
}

void nvme_take_answer(struct nvme *nvme, unsigned int number)
{
	const struct nvme_queue *completions = &nvme->completions[number];

	if (!nvme->asked_ns || number != nvme->asking || completions->head != completions->tail)
		return;
	nvme->answered_ns += answers_now_ns() - nvme->asked_ns;
	nvme->asked_ns = 0;
	if (++nvme->answers % ANSWERS)
		return;
	fprintf(stderr, "user-server: interrupts answered in %.1f us\n",
		(double)nvme->answered_ns / ANSWERS / 1000);
	nvme->answered_ns = 0;
}
