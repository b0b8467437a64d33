/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines to a reader who may be slow: they wait in a bounded buffer, and those that are lost are
 * counted.
 */

#include "vmm/base/lines.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

enum { FLUSH_STALLED_MS = 200, FLUSH_MS = 1000 };

/* All of these have the lock held. */

static void lines_keep(struct lines *lines, const char *bytes, size_t size)
{
	memcpy(lines->waiting + lines->count, bytes, size);
	lines->count += size;
}

/* Keeps the line about those that are missing, if @more bytes have room behind it. */
static bool lines_keep_missing(struct lines *lines, size_t more)
{
	char text[128];
	size_t size;

	if (!lines->missing)
		return true;
	size = (size_t)snprintf(text, sizeof(text), "%s%lu line%s missing here: not read in time\n",
				lines->mark, lines->missing, lines->missing == 1 ? " is" : "s are");
	if (size >= sizeof(text) || size + more > LINES_SIZE - lines->count)
		return false;
	lines_keep(lines, text, size);
	lines->missing = 0;
	return true;
}

/* Writes what waits; -EAGAIN when some of it still has to. */
static int lines_drain(struct lines *lines)
{
	size_t done = 0;
	int rc = 0;

	while (done < lines->count && !rc) {
		ssize_t n =
			writer_write(&lines->writer, lines->waiting + done, lines->count - done);

		if (n < 0)
			rc = (int)n;
		else
			done += (size_t)n;
	}
	if (rc && rc != -EAGAIN)
		done = lines->count;
	if (done > 0) {
		lines->count -= done;
		memmove(lines->waiting, lines->waiting + done, lines->count);
	}
	return rc;
}

static int lines_drain_all(struct lines *lines)
{
	int rc = lines_drain(lines);

	if (!rc && lines->missing && lines_keep_missing(lines, 0))
		rc = lines_drain(lines);
	return rc;
}

static void lines_writable(void *owner, uint32_t events);

static void lines_watch(struct lines *lines, bool wanted)
{
	struct err err = {0};

	if (!lines->loop || lines->watching == wanted)
		return;
	if (wanted)
		lines->watching = loop_add(lines->loop, lines->writer.fd, EPOLLOUT, lines_writable,
					   lines, &err) == 0;
	else
		loop_remove(lines->loop, lines->writer.fd);
	if (!wanted)
		lines->watching = false;
}

static void lines_writable(void *owner, uint32_t events)
{
	struct lines *lines = owner;

	(void)events;
	pthread_mutex_lock(&lines->lock);
	if (lines_drain_all(lines) != -EAGAIN)
		lines_watch(lines, false);
	pthread_mutex_unlock(&lines->lock);
}

static int lines_put_locked(struct lines *lines, const char *bytes, size_t size)
{
	int rc = lines_drain_all(lines);
	ssize_t n = 0;

	if (rc && rc != -EAGAIN)
		return rc;
	if (!rc) {
		n = writer_write(&lines->writer, bytes, size);
		if (n < 0 && n != -EAGAIN)
			return (int)n;
		n = n < 0 ? 0 : n;
	}
	/* One that was begun always has room: nothing else waits. */
	size -= (size_t)n;
	if (lines_keep_missing(lines, size) && size <= LINES_SIZE - lines->count)
		lines_keep(lines, bytes + n, size);
	else
		lines->missing++;
	return 0;
}

int lines_put(struct lines *lines, const char *bytes, size_t size)
{
	int rc;

	pthread_mutex_lock(&lines->lock);
	rc = lines_put_locked(lines, bytes, size);
	lines_watch(lines, lines->count > 0);
	pthread_mutex_unlock(&lines->lock);
	return rc;
}

void lines_attend(struct lines *lines, struct loop *loop)
{
	pthread_mutex_lock(&lines->lock);
	lines_watch(lines, false);
	lines->loop = loop;
	lines_watch(lines, lines->count > 0);
	pthread_mutex_unlock(&lines->lock);
}

static long long lines_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void lines_flush(struct lines *lines)
{
	long long end = lines_now_ms() + FLUSH_MS;

	pthread_mutex_lock(&lines->lock);
	while (lines_drain_all(lines) == -EAGAIN && lines_now_ms() < end) {
		struct pollfd ready = {.fd = lines->writer.fd, .events = POLLOUT};

		if (poll(&ready, 1, FLUSH_STALLED_MS) == 0)
			break;
	}
	pthread_mutex_unlock(&lines->lock);
}
