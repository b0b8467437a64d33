/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines to a reader who may be slow: they wait in a bounded buffer, and those that are lost are
 * counted.
 */

#ifndef FERRY_BASE_LINES_H
#define FERRY_BASE_LINES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/err.h"
#include "vmm/base/loop.h"
#include "vmm/base/writer.h"

enum { LINES_SIZE = 64 * 1024 };

struct lines {
	pthread_mutex_t lock;  /* everything below; above the loop's, else a leaf */
	struct writer writer;  /* fill in before the first line */
	const char *mark;      /* begins the line that tells how many are missing */
	struct loop *loop;     /* NULL: what waits is written with the next line */
	bool watching;         /* the loop tells when there is room */
	unsigned long missing; /* since the last that was taken */
	size_t count;
	char *waiting; /* LINES_SIZE bytes of the owner's; they end with a whole line */
};

/*
 * Writes what waits, then @size bytes that end a line, LINES_SIZE at most; what the reader does not
 * take now waits, and when there is no room for all of it none of it is kept. 0, or the negative
 * errno of a write that failed: then what waited is lost. Any thread.
 */
int lines_put(struct lines *lines, const char *bytes, size_t size) FERRY_MUST_CHECK;

/*
 * What waits is written as the reader takes it. @loop NULL: no more of that; the loop's thread
 * then.
 */
void lines_attend(struct lines *lines, struct loop *loop);

/* Waits for the reader of what waits while it keeps reading, but for no more than a second. */
void lines_flush(struct lines *lines);

#endif
