/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing to what somebody else reads, without ever waiting for them. */

#ifndef FERRY_BASE_WRITER_H
#define FERRY_BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "vmm/base/err.h"

enum writer_way {
	WRITER_DIRECT, /* write() does not wait: O_NONBLOCK is set, or it is a file */
	WRITER_SOCKET,
	WRITER_POLLED, /* others share the flags, and it cannot be opened anew */
};

struct writer {
	int fd; /* -1: nowhere */
	bool owned;
	enum writer_way way;
	size_t most; /* that one write takes, where it is polled */
};

/* To @fd, which is the caller's alone and has O_NONBLOCK; writer_close() closes it. */
void writer_take(struct writer *writer, int fd);

/*
 * To @fd, which stays its owner's and may be other processes' too, a shell's terminal for one: its
 * flags are left alone. A pipe or terminal is opened once more, so that O_NONBLOCK is for the
 * writer alone.
 */
void writer_share(struct writer *writer, int fd);

/*
 * To @fd, which cannot be opened anew: it is looked at before each write, of @most bytes. A pipe
 * that is ready has room for PIPE_BUF, a terminal perhaps only for one.
 */
void writer_watch(struct writer *writer, int fd, size_t most);

/*
 * How many bytes were taken, at least one; -EAGAIN where it would have to wait, or another errno.
 */
ssize_t writer_write(const struct writer *writer, const void *bytes, size_t size) FERRY_MUST_CHECK;

void writer_close(struct writer *writer);

#endif
