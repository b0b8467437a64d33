/* SPDX-License-Identifier: BSD-3-Clause */
/* The sentence that tells a person why something failed, written where the fault was found. */

#ifndef FERRY_BASE_ERR_H
#define FERRY_BASE_ERR_H

#include <stddef.h>

#define FERRY_MUST_CHECK   __attribute__((warn_unused_result))
#define FERRY_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Zero-initialise before use. The text has no trailing newline or full stop. */
struct err {
	int code; /* negative errno, 0 while nothing failed */
	char text[1024];
};

/*
 * Writes the sentence "what failed: on which object: why: what to do" and returns @code, a
 * negative errno, so that a caller can `return err_set(...)`. @err may be NULL (nobody listens).
 * A second call replaces the first.
 */
int err_set(struct err *err, int code, const char *format, ...) FERRY_PRINTF(3, 4);

/* Puts context before a sentence that is already there; returns the code kept in @err. */
int err_prefix(struct err *err, const char *format, ...) FERRY_PRINTF(2, 3);

/* The text of an errno value of either sign, valid until the thread's next call. */
const char *err_text(int code);

#endif
