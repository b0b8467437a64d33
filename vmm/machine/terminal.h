/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's terminal in raw mode, and back again on every way out. */

#ifndef FERRY_VMM_MACHINE_TERMINAL_H
#define FERRY_VMM_MACHINE_TERMINAL_H

#include <stdbool.h>

/*
 * Takes what the two below need of the process, and has exit(), and signals that kill, restore the
 * terminal first. Before the sandbox, whose own signal stays its own.
 */
void terminal_prepare(void);

/*
 * Makes standard input raw when it is a terminal and this process is in its foreground; true when
 * it did. Again after a stop: the shell may have put its own mode back.
 */
bool terminal_make_raw(void);

/* Back to what it was; no-op when it was not made raw. Safe in a signal handler. */
void terminal_restore(void);

#endif
