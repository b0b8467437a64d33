/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Something to debug, in 64-bit mode: calls, loops and variables, until a debugger says what comes
 * next.
 */

#include "guest.h"

enum { PORT_RESET = 0xcf9, RESET_WHOLE = 6 };

volatile uint64_t total, rounds;
volatile bool enough, again;

__attribute__((noinline)) uint64_t square(uint64_t number)
{
	rounds++;
	return number * number;
}

__attribute__((noinline)) void work(uint64_t number)
{
	total += square(number);
	total++;
}

void guest_main(uint32_t magic, uintptr_t page)
{
	(void)magic;
	(void)page;
	for (uint64_t number = 1; !enough; number++)
		work(number);
	if (again)
		outb(PORT_RESET, RESET_WHOLE);
	print("enough\n");
	pass();
}
