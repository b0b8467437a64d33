/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The handler of SIGBUS (sigaction(2), BUS_MCEERR_AR): notes what a guest met, or says why it is
 * the end.
 */

#include "vmm/machine/memory_failure.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "vmm/base/thread.h"
#include "vmm/machine/terminal.h"

/* A thread's own, for its handler to find. */
static _Thread_local volatile sig_atomic_t expected;
static _Thread_local volatile sig_atomic_t noted;
static _Thread_local const void *volatile noted_address;

static atomic_bool told; /* that it is the end */

/* Only what a handler may call. What nobody reads is lost, rather than waited for. */
static void failure_write_sentence(uintptr_t address)
{
	static const char digits[] = "0123456789abcdef";
	char text[] =
		"ferry: the host's memory failed or is missing at 0x0000000000000000, where the "
		"monitor itself needs it: the run is over, the devices go back to the host\n";
	struct pollfd errors = {.fd = STDERR_FILENO, .events = POLLOUT};
	char *digit = strstr(text, "0x") + 2;

	for (unsigned int i = 0; i < 16; i++)
		digit[i] = digits[address >> (60 - 4 * i) & 0xf];
	if (poll(&errors, 1, 0) == 1 && write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		return;
}

/*
 * The main thread alone may set what becomes of a signal: another one hands it on. Its own access
 * is made again at the handler's return, which ends the process sooner: the signal is blocked.
 */
static void failure_die(int number, ucontext_t *context)
{
	if (thread_own_kind() != THREAD_MAIN)
		sigaddset(&context->uc_sigmask, number);
	else
		signal(number, SIG_DFL);
	thread_signal(thread_process(), number);
}

static void memory_failure_handler(int number, siginfo_t *info, void *context)
{
	/* Nobody has touched it yet: who does hears of it again. */
	if (info->si_code == BUS_MCEERR_AO)
		return;
	if (info->si_code == BUS_MCEERR_AR && expected) {
		noted_address = info->si_addr;
		noted = 1;
		return;
	}
	if (!atomic_exchange(&told, true))
		failure_write_sentence((uintptr_t)info->si_addr);
	terminal_restore();
	failure_die(number, context);
}

void memory_failure_watch(void)
{
	struct sigaction action = {.sa_sigaction = memory_failure_handler,
				   .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGBUS, &action, NULL);
}

void memory_failure_expect(bool on)
{
	expected = on;
}

bool memory_failure_take(const void **host)
{
	if (!noted)
		return false;
	noted = 0;
	*host = noted_address;
	return true;
}
