/* SPDX-License-Identifier: BSD-3-Clause */
/* Owned file descriptors, and reads and writes that do not stop half way. */

#ifndef FERRY_BASE_FD_H
#define FERRY_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/err.h"

enum { FD_RESERVE = 32 };

/* Closes *@fd unless it is negative, and sets it to -1. Keeps errno. */
void fd_close(int *fd);

/* A close-on-exec, non-blocking eventfd with count 0, or a negative errno. */
int fd_eventfd(void) FERRY_MUST_CHECK;

/* @count more (less, when negative) descriptors are kept from guests; any thread. */
void fd_reserve(int count);

/* The limit of descriptors stays as it is, and need not be asked for. Before other threads. */
void fd_note_limit(void);

/*
 * As fd_eventfd(), for what a guest can ask for without end: -EMFILE while that would leave fewer
 * than FD_RESERVE and what fd_reserve() added, or half of the limit where that is less, to the
 * monitor's own needs: a reset, a debugger, the end of the run.
 */
int fd_eventfd_for_guest(void) FERRY_MUST_CHECK;

/*
 * 0 when @count more would leave about as much to the monitor, else -EMFILE: it goes by the next
 * number, and does not count those below that are free.
 */
int fd_check_room(unsigned int count) FERRY_MUST_CHECK;

/*
 * Whether open @fd may be read (@access O_RDONLY), written (O_WRONLY) or both (O_RDWR); else
 * -EINVAL with @err, which does not say what it is of.
 */
int fd_check_access(int fd, int access, struct err *err) FERRY_MUST_CHECK;

/*
 * The file at @path to read it, without waiting for its other end; with @given, which is open
 * already, another descriptor of that. Or a negative errno.
 */
int fd_open_input(const char *path, int given) FERRY_MUST_CHECK;

/* As fd_open_output(), of @given, open for writing already, where what is written goes on. */
int fd_output_again(int given) FERRY_MUST_CHECK;

/*
 * Creates or empties the file at @path to write to it, without waiting, now or at a write: for a
 * FIFO without a reader it gives -ENXIO. Else a negative errno, see fd_output_text(). @flags more
 * for open().
 */
int fd_open_output(const char *path, int flags) FERRY_MUST_CHECK;

/* Why fd_open_output() failed. */
const char *fd_output_text(int rc);

/*
 * Adds one to an eventfd's count. A full counter is as good as a signalled one. Not for one that
 * another process has too, which might fill it and have this block: there is no write to an eventfd
 * that asks not to wait.
 */
void fd_signal(int eventfd);

/* Takes an eventfd's whole count; false when it was zero. The descriptor must not block. */
bool fd_take(int eventfd);

/*
 * As fd_take(), of one that another process has too: whether it blocks is a flag of what both
 * share, which that process may take away at any time, and take the count in between.
 */
bool fd_take_shared(int eventfd);

/* Whether an eventfd's count is not zero, which it stays. */
bool fd_is_signalled(int eventfd);

/* Has @fd not block, and whoever else has the same open file: 0 or a negative errno. */
int fd_do_not_block(int fd) FERRY_MUST_CHECK;

/*
 * A file of memory, close-on-exec, with memfd_create()'s @flags more; nobody executes it, where the
 * kernel can see to that. Or a negative errno.
 */
int fd_create_memory(const char *name, unsigned int flags) FERRY_MUST_CHECK;

/*
 * Whether it is open, of a file of memory: memfd, or of tmpfs or hugetlbfs (fcntl(2), F_GET_SEALS).
 * Neither its pages nor its end wait for a file system of somebody else's.
 */
bool fd_is_memory(int fd);

/*
 * Reads exactly @size bytes at @offset. 0, a negative errno, or -ENODATA when the file ends before.
 */
int fd_read_at(int fd, void *buffer, size_t size, uint64_t offset) FERRY_MUST_CHECK;

/* Writes all @size bytes at the file's position; 0 or a negative errno (EAGAIN is waited out). */
int fd_write_all(int fd, const void *buffer, size_t size) FERRY_MUST_CHECK;

#endif
