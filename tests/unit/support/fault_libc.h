/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The C library's calls under the plan of failure, for the one test program that includes this. The
 * Makefile has the linker send those calls here (FAULT_WRAPS).
 */

#ifndef FERRY_TESTS_UNIT_SUPPORT_FAULT_LIBC_H
#define FERRY_TESTS_UNIT_SUPPORT_FAULT_LIBC_H

#include <errno.h>
#include <linux/mman.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tests/unit/support/fault.h"
#include "vmm/base/pause.h"

/* A refused call is asked again after pauses, which add up over a walk: here they are short. */
bool pause_unless(int stop, int milliseconds)
{
	struct pollfd event = {.fd = stop, .events = POLLIN};

	(void)milliseconds;
	return poll(&event, 1, 0) == 0;
}

static struct {
	bool memory;         /* allocations are in the plan too ... */
	bool calls;          /* ... and so are the calls for descriptors, mappings and threads */
	atomic_llong mapped; /* bytes between mmap and munmap */
} libc;

/* This thread is in a fake, whose own calls are nobody's. */
static _Thread_local unsigned int libc_in_fake;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);
int __real_madvise(void *at, size_t size, int advice);
int __real_eventfd(unsigned int count, int flags);
int __real_timerfd_create(int clock, int flags);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__real_files_open(const char *path);
ssize_t __real_readlink(const char *path, char *target, size_t size);
int __real_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *argument);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t size);
int __wrap_madvise(void *at, size_t size, int advice);
int __wrap_eventfd(unsigned int count, int flags);
int __wrap_timerfd_create(int clock, int flags);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_files_open(const char *path);
ssize_t __wrap_readlink(const char *path, char *target, size_t size);
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *argument);

static inline bool no_memory(void)
{
	if (!libc.memory || libc_in_fake || !fault_strikes("memory", NULL))
		return false;
	errno = ENOMEM;
	return true;
}

/* Whether a call of the C library about @object (or NULL) fails; errno is set. */
static inline bool libc_fails_on(const char *call, const char *object)
{
	int result;

	if (!libc.calls || libc_in_fake || !fault_answers(call, object, NULL, 0, &result) ||
	    result == 0)
		return false;
	errno = -result;
	return true;
}

static inline bool libc_fails(const char *call)
{
	return libc_fails_on(call, NULL);
}

void *__wrap_malloc(size_t size)
{
	return no_memory() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return no_memory() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return no_memory() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return no_memory() ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
	return no_memory() ? NULL : __real_strdup(text);
}

/* As Linux may: room is made before the driver of the file is asked. */
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	void *place;

	if (libc_fails("mmap")) {
		int reason = errno;

		if (flags & MAP_FIXED)
			__real_munmap(at, size);
		errno = reason;
		return MAP_FAILED;
	}
	place = __real_mmap(at, size, protection, flags, fd, offset);
	if (place != MAP_FAILED && !(flags & MAP_FIXED))
		atomic_fetch_add(&libc.mapped, (long long)size);
	return place;
}

int __wrap_munmap(void *at, size_t size)
{
	atomic_fetch_sub(&libc.mapped, (long long)size);
	return __real_munmap(at, size);
}

/* Populating may fail; other advice is only that. */
int __wrap_madvise(void *at, size_t size, int advice)
{
	return advice == MADV_POPULATE_WRITE && libc_fails("madvise")
		       ? -1
		       : __real_madvise(at, size, advice);
}

int __wrap_eventfd(unsigned int count, int flags)
{
	return libc_fails("eventfd") ? -1 : __real_eventfd(count, flags);
}

int __wrap_timerfd_create(int clock, int flags)
{
	return libc_fails("timerfd_create") ? -1 : __real_timerfd_create(clock, flags);
}

/* The host's own sysfs is not among the fakes: what is looked up there may be missing. */
FILE *__wrap_fopen(const char *path, const char *mode)
{
	return strncmp(path, "/sys/", 5) != 0 && libc_fails("fopen") ? NULL
								     : __real_fopen(path, mode);
}

FILE *__wrap_files_open(const char *path)
{
	return strncmp(path, "/sys/", 5) != 0 && libc_fails("fopen") ? NULL
								     : __real_files_open(path);
}

ssize_t __wrap_readlink(const char *path, char *target, size_t size)
{
	return libc_fails("readlink") ? -1 : __real_readlink(path, target, size);
}

/* Taking a descriptor out cannot fail while it is there. */
int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	return what == EPOLL_CTL_ADD && libc_fails("epoll_ctl")
		       ? -1
		       : __real_epoll_ctl(epoll, what, fd, event);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *argument)
{
	return libc_fails("pthread_create")
		       ? errno
		       : __real_pthread_create(thread, attributes, start, argument);
}

#endif
