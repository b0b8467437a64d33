/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages to the person at the terminal: standard error, one line each, by level. */

#include "vmm/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vmm/base/lines.h"
#include "vmm/base/text.h"

enum { LIMIT_BURST = 10 };

static const uint64_t limit_window_ns = 1000000000;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static _Atomic enum log_level level_now = LOG_WARN;
static atomic_bool mid_line; /* of the neighbour's */
static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;

/* Apart from the rest, which is initialised: pages of zeros that nobody touches take no memory. */
static char output_waiting[LINES_SIZE];

/* Standard error is the process's, and as it is given until log_never_wait(). */
static struct lines output = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.writer = {.fd = STDERR_FILENO, .way = WRITER_DIRECT},
	.mark = "ferry: warn: ",
	.waiting = output_waiting,
};

void log_set_level(enum log_level level)
{
	atomic_store(&level_now, level);
}

static bool log_enabled(enum log_level level)
{
	return level <= atomic_load(&level_now);
}

int log_parse_level(const char *text, enum log_level *level)
{
	for (int i = LOG_ERROR; i <= LOG_DEBUG; i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

void log_never_wait(struct loop *loop)
{
	/* Before the loop watches it: another descriptor may come of it. */
	if (loop && !output.writer.owned)
		writer_share(&output.writer, STDERR_FILENO);
	lines_attend(&output, loop);
}

void log_flush(void)
{
	lines_flush(&output);
}

void log_say(const char *format, ...)
{
	char *text = NULL, *line = NULL;
	va_list args;
	int size = -1;

	va_start(args, format);
	if (vasprintf(&text, format, args) >= 0)
		size = asprintf(&line, "%sferry: %s\n",
				atomic_exchange(&mid_line, false) ? "\n" : "", text);
	va_end(args);
	if (size >= 0) {
		if (lines_put(&output, line, (size_t)size))
			size = -1; /* nobody to tell that nobody can be told */
		free(line);
	}
	free(text);
}

void log_note_neighbour(uint8_t byte)
{
	atomic_store_explicit(&mid_line, byte != '\n', memory_order_relaxed);
}

bool log_is_mid_line(void)
{
	return atomic_load(&mid_line);
}

/* One write per line, so that lines of several threads never mix. No @label: NULL. */
static void log_line(const char *label, unsigned int suppressed, const char *format, va_list args)
{
	char buffer[1280] = "\n", *line = buffer + (atomic_exchange(&mid_line, false) ? 1 : 0);
	size_t length, room = sizeof(buffer) - 2;
	int n;

	n = snprintf(line, room, label ? "ferry: %s: " : "ferry: ", label);
	length = (size_t)n;
	n = vsnprintf(line + length, room - length, format, args);
	length += n < 0 ? 0 : (size_t)n;
	if (length >= room)
		length = room - 1;
	if (suppressed) {
		n = snprintf(line + length, room - length, " (%u like it left out)", suppressed);
		length += (size_t)n;
		if (length >= room)
			length = room - 1;
	}
	line[length] = '\0';
	text_make_printable(line);
	length = strlen(line);
	line[length++] = '\n';
	length += (size_t)(line - buffer);
	if (lines_put(&output, buffer, length))
		return; /* nobody to tell that nobody can be told */
}

/* An error is what a person looks for first: it needs no label. */
static const char *log_label(enum log_level level)
{
	return level == LOG_ERROR ? NULL : level_names[level];
}

#define LOG_FUNCTION(name, level, label)                                                           \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
		if (!log_enabled(level))                                                           \
			return;                                                                    \
		va_start(args, format);                                                            \
		log_line(label, 0, format, args);                                                  \
		va_end(args);                                                                      \
	}

LOG_FUNCTION(log_error, LOG_ERROR, log_label(LOG_ERROR))
LOG_FUNCTION(log_warn, LOG_WARN, log_label(LOG_WARN))
LOG_FUNCTION(log_notice, LOG_WARN, NULL)
LOG_FUNCTION(log_info, LOG_INFO, log_label(LOG_INFO))
LOG_FUNCTION(log_debug, LOG_DEBUG, log_label(LOG_DEBUG))

static uint64_t log_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Whether the message may be shown; if so *suppressed is the number left out before it. */
static bool log_limit_take(struct log_limit *limit, unsigned int *suppressed)
{
	uint64_t now = log_now_ns();
	bool allowed = true;

	pthread_mutex_lock(&limit_lock);
	if (now - limit->window_ns >= limit_window_ns) {
		limit->window_ns = now;
		if (limit->burst >= LIMIT_BURST)
			limit->burst = LIMIT_BURST - 1;
	}
	if (limit->burst >= LIMIT_BURST) {
		limit->suppressed++;
		allowed = false;
	} else {
		limit->burst++;
		*suppressed = limit->suppressed;
		limit->suppressed = 0;
	}
	pthread_mutex_unlock(&limit_lock);
	return allowed;
}

void log_guest(struct log_limit *limit, enum log_level level, const char *format, ...)
{
	unsigned int suppressed = 0;
	va_list args;

	if (!log_enabled(level) || !log_limit_take(limit, &suppressed))
		return;
	va_start(args, format);
	log_line(log_label(level), suppressed, format, args);
	va_end(args);
}
