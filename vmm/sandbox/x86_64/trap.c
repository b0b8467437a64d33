/* SPDX-License-Identifier: BSD-3-Clause */
/* A trapped system call's registers on x86_64. */

#include "vmm/sandbox/trap.h"

#include <ucontext.h>

static const int registers[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};

unsigned long trap_argument(const void *context, unsigned int index)
{
	const ucontext_t *state = context;

	return (unsigned long)state->uc_mcontext.gregs[registers[index]];
}

void trap_answer(void *context, long result)
{
	ucontext_t *state = context;

	state->uc_mcontext.gregs[REG_RAX] = result;
}

/* Once in the whole program, for its label. */
__attribute__((noinline)) long trap_repeat(const void *context, long number)
{
	unsigned long arguments[TRAP_ARGUMENTS];
	long result = number;

	/* All before the first register is set, which a call would spoil. */
	for (unsigned int i = 0; i < TRAP_ARGUMENTS; i++)
		arguments[i] = trap_argument(context, i);

	register unsigned long r10 __asm__("r10") = arguments[3];
	register unsigned long r8 __asm__("r8") = arguments[4];
	register unsigned long r9 __asm__("r9") = arguments[5];

	__asm__ volatile("syscall\n"
			 ".globl trap_made\n"
			 "trap_made:"
			 : "+a"(result)
			 : "D"(arguments[0]), "S"(arguments[1]), "d"(arguments[2]), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
