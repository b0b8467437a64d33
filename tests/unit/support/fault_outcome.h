/* SPDX-License-Identifier: BSD-3-Clause */
/* What is to be said of a call to the host that failed, for a device that is handed over. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAULT_OUTCOME_H
#define FERRY_TESTS_UNIT_SUPPORT_FAULT_OUTCOME_H

#include <check.h>
#include <string.h>

#include "tests/unit/support/fault.h"
#include "vmm/base/bits.h"
#include "vmm/base/err.h"

static inline bool one_of(const char *text, const char *const *texts)
{
	while (*texts && strcmp(*texts, text) != 0)
		texts++;
	return *texts;
}

/* Calls without which a device works all the same, with less. */
static inline bool is_spared(const char *call)
{
	static const char *const calls[] = {"write",          "set irqs", "irq info",
					    "irqfd",          "mmap",     "eventfd",
					    "epoll_ctl",      "madvise",  "memory",
					    "BAR read",       "fopen",    "hot reset info",
					    "hot reset",      "readlink", "iommufd option",
					    "timerfd_create", NULL};

	return one_of(call, calls);
}

static inline bool tells_reason(const char *text, int error)
{
	static const char *const idioms[] = {
		"out of memory",
		"in use by another process",
		"held by something on the host",
		"no permission",
		"is missing",
		"not permitted",
		"cannot be locked",
		"no memory left",
		"reserved or beyond",
		"overlaps",
		"dma_entry_limit",
		"CONFIG_KVM_VFIO",
		"no TYPE1v2",
		"not a PCI device",
		"in no IOMMU group",
		"it has no driver",
		"does not answer config reads",
		"does not answer after the reset of its bus",
		"has bound it to another iommufd",
		"too few descriptors are left",
		"does not map where guest RAM is",
	};

	for (size_t i = 0; i < ARRAY_SIZE(idioms); i++)
		if (strstr(text, idioms[i]))
			return true;
	return strstr(text, err_text(error));
}

/* @text is one sentence with object and reason of the fault that struck call @at. */
static inline void tells_fault(unsigned int at, const char *text, const struct fault_plan *how)
{
	const char *call = fault_plan.call;

	ck_assert_msg(fault_plan.struck > 0, "%s", text);
	ck_assert_msg(strlen(text) > 20, "call %u, %s: '%s'", at, call, text);
	/* Of many failures the sentence may be about any. */
	if (how->onwards)
		return;
	ck_assert_msg(strstr(text, fault_plan.object), "call %u, %s: no '%s' in: %s", at, call,
		      fault_plan.object, text);
	ck_assert_msg(how->fault != FAULT_ERROR || tells_reason(text, how->error),
		      "call %u, %s: no '%s' in: %s", at, call, err_text(how->error), text);
}

#endif
