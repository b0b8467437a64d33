/* SPDX-License-Identifier: BSD-3-Clause */
/* A plan of failure: which of the calls that a test's fakes answer goes wrong, and how. */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAULT_H
#define FERRY_TESTS_UNIT_SUPPORT_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault {
	FAULT_ERROR,    /* the call answers `error` */
	FAULT_SHORT,    /* a read or write does less than asked */
	FAULT_NONSENSE, /* the call succeeds with an answer that is `filling` all over */
};

/* One for each test process. Calls are counted from 1; a test that plans nothing sees no fault. */
struct fault_plan {
	unsigned int at; /* the call that is struck; 0: none */
	bool onwards;    /* and every one after it, as of a device that is gone */
	enum fault fault;
	int error; /* negative */
	uint8_t filling;
	const char *only; /* calls of this name alone are counted and struck; NULL: all */
	int signal;       /* it goes through, and this process gets that signal before; 0: none */

	atomic_uint calls;  /* so far, from any thread */
	atomic_uint struck; /* how many of them */
	const char *call;   /* the first one struck ... */
	char object[64];    /* ... and what it was about, as a sentence is to name it; or "" */
};

extern struct fault_plan fault_plan;

/* From here on call @at (counted from now) is struck; counts start anew. */
void fault_arm(unsigned int at, enum fault fault, int error);

/* No more faults; what was counted stays. */
void fault_disarm(void);

/* Counts a call to @call about @object (NULL: nothing nameable); whether it is to go wrong. */
bool fault_strikes(const char *call, const char *object);

/*
 * For a call whose answer is the @size bytes at @answer (NULL: none) and 0: when it is struck,
 * true with what it returns in *@result.
 */
bool fault_answers(const char *call, const char *object, void *answer, size_t size, int *result);

#endif
