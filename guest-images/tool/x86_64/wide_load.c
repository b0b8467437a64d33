/* SPDX-License-Identifier: BSD-3-Clause */
/* A load of sixteen bytes by one instruction, as x86_64 has it. */

#include "guest-images/tool/labtool.h"

void wide_load(const volatile void *address)
{
	__asm__ volatile("movups (%0), %%xmm0" : : "r"(address) : "xmm0", "memory");
}
