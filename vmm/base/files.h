/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looking at the host's files, and removing the names of one's own: by a thread of the one kind
 * that may once the guest runs, and by the caller itself before.
 */

#ifndef FERRY_BASE_FILES_H
#define FERRY_BASE_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "vmm/base/err.h"

/*
 * Each waits for a thread that it has begun where there is a starter (vmm/base/thread.h), 0.1 ms.
 * Who needs several at once calls files_look() around them: they are one thread's then. Any thread,
 * any lock held.
 */

/* To read what @path says now, all of which is in memory; fclose() frees it. NULL: errno is set. */
FILE *files_open(const char *path);

/*
 * The same of a file that is open as @fd and stays so, from its beginning; the caller itself reads
 * it.
 */
FILE *files_stream(int fd);

/* The text of a symbolic link, cut at @size. 0 or a negative errno. */
int files_link(const char *path, char *text, size_t size) FERRY_MUST_CHECK;

/* As realpath(). 0 or a negative errno. */
int files_real(const char *path, char real[PATH_MAX]) FERRY_MUST_CHECK;

/* Whether @path is there: 0 or a negative errno, -ENOENT for one that is not. */
int files_check(const char *path) FERRY_MUST_CHECK;

/*
 * The names in the folder @path but those that begin with a dot, each with its end, an empty one
 * behind the last; in memory that is the caller's to free. 0 or a negative errno.
 */
int files_list(const char *path, char **names) FERRY_MUST_CHECK;

/* The name behind @name in such a list; NULL: it was the last. With NULL the first of @names. */
const char *files_next(const char *names, const char *name);

/* As fstat(). 0 or a negative errno. */
int files_stat(int fd, struct stat *status) FERRY_MUST_CHECK;

/* The same of @name itself in @folder, whatever it is. */
int files_stat_at(int folder, const char *name, struct stat *status) FERRY_MUST_CHECK;

/* As unlinkat() of what is no folder. 0 or a negative errno. */
int files_remove(int folder, const char *name) FERRY_MUST_CHECK;

/*
 * Has @look look at what it likes, in one thread. It does nothing else, and tells nobody: that kind
 * of thread may not. 0 or a negative errno.
 */
int files_look(void (*look)(void *owner), void *owner) FERRY_MUST_CHECK;

/* So many threads may wait for others at once with nobody who waits for them. */
enum { FILES_WAITING_MAX = 8 };

/* Whether one more may: nobody should take in what may have to be closed so, where none may. */
bool files_have_room(void);

/*
 * The same at what may keep whoever looks waiting, for @ms milliseconds at most. 0, or a negative
 * errno before it has begun: -EBUSY when too many look or close. -ETIMEDOUT: @owner is the
 * thread's, which calls @end with it once it has looked. Where there is no starter nothing is
 * bounded.
 */
int files_look_within(void (*look)(void *owner), void (*end)(void *owner), void *owner,
		      unsigned int ms) FERRY_MUST_CHECK;

/*
 * Closes what somebody else has opened, which may wait for them: by a thread that nobody waits for,
 * where there is a starter. *@fd is -1 then. What no thread can be had for stays open, with a word.
 */
void files_close(int *fd);

#endif
