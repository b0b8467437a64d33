/* SPDX-License-Identifier: BSD-3-Clause */
/* A trapped system call's registers on aarch64. */

#include "vmm/sandbox/trap.h"

#include <ucontext.h>

unsigned long trap_argument(const void *context, unsigned int index)
{
	const ucontext_t *state = context;

	return state->uc_mcontext.regs[index];
}

void trap_answer(void *context, long result)
{
	ucontext_t *state = context;

	state->uc_mcontext.regs[0] = (unsigned long)result;
}

/* Once in the whole program, for its label. */
__attribute__((noinline)) long trap_repeat(const void *context, long number)
{
	unsigned long arguments[TRAP_ARGUMENTS];

	/* All before the first register is set, which a call would spoil. */
	for (unsigned int i = 0; i < TRAP_ARGUMENTS; i++)
		arguments[i] = trap_argument(context, i);

	register long x8 __asm__("x8") = number;
	register unsigned long x0 __asm__("x0") = arguments[0];
	register unsigned long x1 __asm__("x1") = arguments[1];
	register unsigned long x2 __asm__("x2") = arguments[2];
	register unsigned long x3 __asm__("x3") = arguments[3];
	register unsigned long x4 __asm__("x4") = arguments[4];
	register unsigned long x5 __asm__("x5") = arguments[5];

	__asm__ volatile("svc #0\n"
			 ".globl trap_made\n"
			 "trap_made:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return (long)x0;
}
