/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's terminal in raw mode, and back again on every way out. */

#include "vmm/machine/terminal.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/thread.h"

/* The terminal is the process's, there is one, and signal handlers must find it. */
static struct termios saved;
static atomic_bool raw; /* two threads may crash at once: each restores it */

/* This process's group, which nobody changes once the program runs. */
static pid_t group;

/* In the background its modes are somebody else's, and setting them would stop the process. */
static bool terminal_in_foreground(void)
{
	return tcgetpgrp(STDIN_FILENO) == group;
}

void terminal_restore(void)
{
	if (raw && terminal_in_foreground())
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	raw = false;
}

/* The handler was reset on entry, so the signal's own effect follows. In any kind of thread. */
static void terminal_restore_and_die(int signal_number)
{
	terminal_restore();
	thread_signal(thread_number(), signal_number);
}

static void terminal_restore_on_fatal_signals(void)
{
	static const int fatal[] = {SIGSEGV, SIGILL,  SIGFPE,  SIGABRT, SIGQUIT, SIGSYS,
				    SIGTRAP, SIGXCPU, SIGALRM, SIGUSR1, SIGUSR2};
	struct sigaction action = {.sa_handler = terminal_restore_and_die,
				   .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
	struct sigaction before;

	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++) {
		/* What the parent had ignored stays so, and what others here handle is theirs. */
		if (sigaction(fatal[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			sigaction(fatal[i], &action, NULL);
	}
	atexit(terminal_restore);
}

void terminal_prepare(void)
{
	if (group)
		return;
	group = getpgrp();
	terminal_restore_on_fatal_signals();
}

bool terminal_make_raw(void)
{
	struct termios mode;

	terminal_prepare();
	if (!isatty(STDIN_FILENO) || !terminal_in_foreground() || tcgetattr(STDIN_FILENO, &mode))
		return false;
	if (!raw)
		saved = mode;
	mode = saved;
	mode.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INLCR | IGNCR | ISTRIP | IXON);
	mode.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	raw = true;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &mode)) {
		raw = false;
		return false;
	}
	return true;
}
