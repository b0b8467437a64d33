/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's terminal in raw mode, and back again on every way out. */

#include "vmm/machine/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/base/bits.h"

/* The terminal is the process's, there is one, and signal handlers must find it. */
static struct termios saved;
static volatile sig_atomic_t raw;

/* In the background its modes are somebody else's, and setting them would stop the process. */
static bool terminal_in_foreground(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

void terminal_restore(void)
{
	if (raw && terminal_in_foreground())
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	raw = 0;
}

/* The handler was reset on entry, so the signal's own effect follows. */
static void terminal_restore_and_die(int signal_number)
{
	terminal_restore();
	raise(signal_number);
}

static void terminal_restore_on_fatal_signals(void)
{
	static const int fatal[] = {SIGSEGV, SIGILL,  SIGFPE,  SIGABRT, SIGQUIT, SIGSYS,
				    SIGTRAP, SIGXCPU, SIGALRM, SIGUSR1, SIGUSR2};
	struct sigaction action = {.sa_handler = terminal_restore_and_die,
				   .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
	struct sigaction before;

	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++) {
		/* What the parent had ignored stays so. */
		if (sigaction(fatal[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(fatal[i], &action, NULL);
	}
	atexit(terminal_restore);
}

bool terminal_make_raw(void)
{
	struct termios mode;

	if (!isatty(STDIN_FILENO) || !terminal_in_foreground() || tcgetattr(STDIN_FILENO, &mode))
		return false;
	if (!raw) {
		saved = mode;
		terminal_restore_on_fatal_signals();
	}
	mode = saved;
	mode.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INLCR | IGNCR | ISTRIP | IXON);
	mode.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	raw = 1;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &mode)) {
		raw = 0;
		return false;
	}
	return true;
}
