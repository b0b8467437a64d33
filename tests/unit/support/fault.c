/* SPDX-License-Identifier: BSD-3-Clause */
/* Counting calls and striking those that were planned. */

#include "tests/unit/support/fault.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct fault_plan fault_plan;

void fault_arm(unsigned int at, enum fault fault, int error)
{
	fault_plan = (struct fault_plan){.at = at, .fault = fault, .error = error};
}

void fault_disarm(void)
{
	fault_plan.at = 0;
	fault_plan.only = NULL;
}

bool fault_strikes(const char *call, const char *object)
{
	struct fault_plan *plan = &fault_plan;
	unsigned int count;

	if (plan->only && strcmp(plan->only, call) != 0)
		return false;
	count = atomic_fetch_add(&plan->calls, 1) + 1;
	if (plan->at == 0 || count < plan->at || (count > plan->at && !plan->onwards))
		return false;
	if (atomic_fetch_add(&plan->struck, 1) == 0) {
		plan->call = call;
		snprintf(plan->object, sizeof(plan->object), "%s", object ? object : "");
		if (plan->signal)
			kill(getpid(), plan->signal);
	}
	return !plan->signal;
}

bool fault_answers(const char *call, const char *object, void *answer, size_t size, int *result)
{
	if (!fault_strikes(call, object))
		return false;
	switch (fault_plan.fault) {
	case FAULT_ERROR:
		*result = fault_plan.error;
		return true;
	case FAULT_NONSENSE:
		if (answer)
			memset(answer, fault_plan.filling, size);
		*result = 0;
		return answer;
	case FAULT_SHORT:
		break;
	}
	return false;
}
