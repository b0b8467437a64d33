/* SPDX-License-Identifier: BSD-3-Clause */
/* A pseudo-terminal that keeps what was written last for a reader who may come later. */

#ifndef FERRY_VMM_BASE_PTY_H
#define FERRY_VMM_BASE_PTY_H

#include <stdbool.h>

#include "vmm/base/err.h"

struct pty {
	int master; /* does not block */
	int named;  /* its name, held; negative: not */
	int peer;   /* our hold on the other end, so that it never hangs up; -1: not now */
	char name[64];
};

/* Opens a pair in raw mode. pty_close() also after a failure, which is @err's. */
int pty_open(struct pty *pty, struct err *err) FERRY_MUST_CHECK;

/* -1 in both members is allowed. */
void pty_close(struct pty *pty);

/* Takes the hold back where it was not to be had; whether it is there. */
bool pty_hold(struct pty *pty);

/*
 * The same, and the pair is in raw mode whatever its last reader left: 0, or why the other end is
 * not to be had.
 */
int pty_make_raw(struct pty *pty) FERRY_MUST_CHECK;

/*
 * Whether anybody else has the other end open. Meanwhile the master may seem hung up to other
 * threads.
 */
bool pty_has_reader(struct pty *pty);

/* Takes away some of what waits for a reader, the oldest first; false without the hold. */
bool pty_drop_oldest(struct pty *pty);

#endif
