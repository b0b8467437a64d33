/* SPDX-License-Identifier: BSD-3-Clause */
/* A system call that a filter has trapped, as SIGSYS's handler sees it: by architecture. */

#ifndef FERRY_VMM_SANDBOX_TRAP_H
#define FERRY_VMM_SANDBOX_TRAP_H

/* The most arguments that a system call has. */
enum { TRAP_ARGUMENTS = 6 };

/* Argument @index of the call, of @context as the handler got it. */
unsigned long trap_argument(const void *context, unsigned int index);

/* What the call returns once the handler has: a value, or a negative errno. */
void trap_answer(void *context, long result);

/* Makes call @number with the same arguments, by the one instruction before trap_made. */
long trap_repeat(const void *context, long number);

/* Where the kernel takes trap_repeat()'s calls to come from. */
extern const char trap_made[];

#endif
