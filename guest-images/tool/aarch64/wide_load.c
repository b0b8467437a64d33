/* SPDX-License-Identifier: BSD-3-Clause */
/* A load of sixteen bytes by one instruction, as aarch64 has it. */

#include "guest-images/tool/labtool.h"

void wide_load(const volatile void *address)
{
	uint64_t low, high;

	__asm__ volatile("ldp %0, %1, [%2]" : "=r"(low), "=r"(high) : "r"(address) : "memory");
}
