/* SPDX-License-Identifier: BSD-3-Clause */
/* vCPU threads that only remember: in the place of vmm/machine/run.c in one test program. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAKE_RUN_H
#define FERRY_TESTS_UNIT_SUPPORT_FAKE_RUN_H

#include "tests/unit/support/fake_debug.h"
#include "vmm/machine/run.h"

static struct {
	bool held[FAKE_CPUS], unsettled[FAKE_CPUS], told[FAKE_CPUS];
	struct arch_debug_stop stop[FAKE_CPUS];
	unsigned int parks;
} vcpus;

unsigned int run_count(const struct run *run)
{
	(void)run;
	return FAKE_CPUS;
}

struct kvm_vcpu *run_vcpu(const struct run *run, unsigned int index)
{
	(void)run;
	return fake_vcpu(index);
}

bool run_is_settled(const struct run *run, unsigned int index)
{
	(void)run;
	return !vcpus.unsettled[index];
}

void run_hold(struct run *run, unsigned int index, bool held)
{
	(void)run;
	vcpus.held[index] = held;
}

void run_park(struct run *run)
{
	(void)run;
	vcpus.parks++;
}

bool run_take_debug(struct run *run, unsigned int index, struct arch_debug_stop *stop)
{
	bool told = vcpus.told[index];

	(void)run;
	vcpus.told[index] = false;
	if (told)
		*stop = vcpus.stop[index];
	return told;
}

#endif
