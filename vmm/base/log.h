/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages to the person at the terminal: standard error, one line each, by level. */

#ifndef FERRY_BASE_LOG_H
#define FERRY_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"
#include "vmm/base/loop.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* The level is the process's, not a machine's: set once from the command line. */
void log_set_level(enum log_level level);

/* Reads "error", "warn", "info" or "debug"; returns -EINVAL for anything else. */
int log_parse_level(const char *text, enum log_level *level) FERRY_MUST_CHECK;

/*
 * From now on no message waits for its reader: what is not read in time is kept, LINES_SIZE bytes
 * of it, and what is lost is told of. @loop writes on when it is read again; NULL before the loop
 * goes.
 */
void log_never_wait(struct loop *loop);

/* Waits for the reader of what is kept, see lines_flush(). */
void log_flush(void);

/* What the user asked for, or must hear at every level; of any length. */
void log_say(const char *format, ...) FERRY_PRINTF(1, 2);

void log_error(const char *format, ...) FERRY_PRINTF(1, 2);
void log_warn(const char *format, ...) FERRY_PRINTF(1, 2);
/* How something that takes long is getting on: shown where warnings are, but none. */
void log_notice(const char *format, ...) FERRY_PRINTF(1, 2);
void log_info(const char *format, ...) FERRY_PRINTF(1, 2);
void log_debug(const char *format, ...) FERRY_PRINTF(1, 2);

/*
 * @byte was written by somebody else (the guest, on its console) to where the log's lines go too: a
 * line of the log never begins in the middle of another's, which it ends first. Any thread.
 */
void log_note_neighbour(uint8_t byte);

/* Whether the neighbour is in the middle of a line. */
bool log_is_mid_line(void);

/*
 * Whatever a guest can provoke goes through one of these: a burst of ten messages, then one a
 * second, with the number left out told in the next. Zero-initialise; safe from any thread.
 */
struct log_limit {
	uint64_t window_ns;
	unsigned int burst;
	unsigned int suppressed;
};

void log_guest(struct log_limit *limit, enum log_level level, const char *format, ...)
	FERRY_PRINTF(3, 4);

#endif
