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

static void line_keep(struct lines *lines, const char *bytes, size_t size)
{
	memcpy(lines->waiting + lines->count, bytes, size);
	lines->count += size;
}

/* Keeps the line about those that are missing, if @more bytes have room behind it. */
static bool line_keep_missing(struct lines *lines, size_t more)
{
	char text[128];
	size_t size;

	if (!lines->missing)
		return true;
	size = (size_t)snprintf(text, sizeof(text), "%s%lu line%s missing here: not read in time\n",
				lines->mark, lines->missing, lines->missing == 1 ? " is" : "s are");
	if (size >= sizeof(text) || size + more > LINES_SIZE - lines->count)
		return false;
	line_keep(lines, text, size);
	lines->missing = 0;
	return true;
}

/* Writes what waits; -EAGAIN when some of it still has to. */
static int line_drain(struct lines *lines)
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

static int line_drain_all(struct lines *lines)
{
	int rc = line_drain(lines);

	if (!rc && lines->missing && line_keep_missing(lines, 0))
		rc = line_drain(lines);
	return rc;
}

static void lines_writable(void *owner, uint32_t events);

static void line_watch(struct lines *lines, bool wanted)
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
	if (line_drain_all(lines) != -EAGAIN)
		line_watch(lines, false);
	pthread_mutex_unlock(&lines->lock);
}

static int line_put(struct lines *lines, const char *bytes, size_t size)
{
	int rc = line_drain_all(lines);
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
	if (line_keep_missing(lines, size) && size <= LINES_SIZE - lines->count)
		line_keep(lines, bytes + n, size);
	else
		lines->missing++;
	return 0;
}

int lines_put(struct lines *lines, const char *bytes, size_t size)
{
	int rc;

	pthread_mutex_lock(&lines->lock);
	rc = line_put(lines, bytes, size);
	line_watch(lines, lines->count > 0);
	pthread_mutex_unlock(&lines->lock);
	return rc;
}

void lines_attend(struct lines *lines, struct loop *loop)
{
	pthread_mutex_lock(&lines->lock);
	line_watch(lines, false);
	lines->loop = loop;
	line_watch(lines, lines->count > 0);
	pthread_mutex_unlock(&lines->lock);
}

static long long line_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void lines_flush(struct lines *lines)
{
	long long end = line_now_ms() + FLUSH_MS;

	pthread_mutex_lock(&lines->lock);
	while (line_drain_all(lines) == -EAGAIN && line_now_ms() < end) {
		struct pollfd ready = {.fd = lines->writer.fd, .events = POLLOUT};

		if (poll(&ready, 1, FLUSH_STALLED_MS) == 0)
			break;
	}
	pthread_mutex_unlock(&lines->lock);
}
