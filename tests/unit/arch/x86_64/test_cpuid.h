/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of CPUID as a host may give it. */

#ifndef FERRY_TESTS_UNIT_ARCH_X86_64_TEST_CPUID_H
#define FERRY_TESTS_UNIT_ARCH_X86_64_TEST_CPUID_H

#include <check.h>

#include "arch/x86_64/cpuid.h"

static struct cpuid_table table;
static struct cpuid_config config;

static inline void setup(void)
{
	table = (struct cpuid_table){0};
	config = (struct cpuid_config){.cpus = 1, .tsc_khz = 2400000};
}

#endif
