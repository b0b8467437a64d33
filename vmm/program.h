/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs of others that serve the guest: started before the monitor gives up its rights, gone
 * with it.
 */

#ifndef FERRY_VMM_PROGRAM_H
#define FERRY_VMM_PROGRAM_H

#include <stdbool.h>

#include "vmm/base/err.h"
#include "vmm/base/loop.h"

/* Its descriptors are this and the three usual ones. */
enum { PROGRAM_SOCKET = 3, PROGRAM_WORDS_MAX = 256 };

struct program_config {
	const char *name;             /* in PATH, and for messages */
	const char *const *places;    /* files that it may be besides; NULL behind the last */
	bool only_places;             /* one in PATH is another */
	bool gains_rights;            /* it starts programs that have more than it has */
	const char *package;          /* Debian's, which has it */
	const char *const *arguments; /* behind its name; NULL behind the last */
	int socket;                   /* is PROGRAM_SOCKET there; the caller's */
	const char *loses;            /* what it is that ends with it, for a sentence */
	const char *stranger;         /* what one says that is too old; NULL: none is */
	const char *unfit;            /* why that is, and what to do, for a sentence */
};

struct program;

/*
 * A socket that listens, for a program, and a connection to it, the first that it will see; nobody
 * else can make one. Both are the caller's, close-on-exec.
 */
int program_connect(int *listening, int *connected, struct err *err) FERRY_MUST_CHECK;

/* Where it is, @path of PATH_MAX bytes. -ENOENT with @err, which names its package. */
int program_find(const struct program_config *config, char path[],
		 struct err *err) FERRY_MUST_CHECK;

/*
 * Starts it, in a session of its own, with no signal blocked or ignored. What it prints is told by
 * @loop in lines at log level info, and its end as an error with the last of them. NULL with @err
 * when there is no such program, or it cannot be started. Main thread, before the sandbox.
 */
struct program *program_start(const struct program_config *config, struct loop *loop,
			      struct err *err);

const char *program_name(const struct program *program);

/*
 * What it said last, in @text of PROGRAM_WORDS_MAX bytes: waits for its end, but for no more than
 * @patience_ms. Before the loop runs.
 */
void program_last_words(struct program *program, char text[], int patience_ms);

/* Whether that was before it was asked to. */
bool program_has_ended(const struct program *program);

/* Why it is none that can be used, by what it has said; NULL: it has not said so. */
const char *program_why_unfit(const struct program *program);

/*
 * Hangs up its terminal, which ends it (SIGHUP), as the end of this process does, too. NULL is
 * allowed. Main thread.
 */
void program_hang_up(struct program *program);

/* That, and waits for its end, but for no more than @patience_ms, 0 or more. */
void program_end(struct program *program, int patience_ms);

#endif
