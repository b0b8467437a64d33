/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines to readers who are slow, stalled or gone. */

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/base/test_reader.h"
#include "vmm/base/fd.h"
#include "vmm/base/lines.h"

static struct lines *lines_of(int fd)
{
	struct lines *lines = calloc(1, sizeof(*lines) + LINES_SIZE);

	ck_assert_ptr_nonnull(lines);
	lines->waiting = (char *)(lines + 1);
	pthread_mutex_init(&lines->lock, NULL);
	lines->mark = "# ";
	writer_share(&lines->writer, fd);
	return lines;
}

static void lines_free(struct lines *lines)
{
	writer_close(&lines->writer);
	pthread_mutex_destroy(&lines->lock);
	free(lines);
}

static unsigned int put_numbers(struct lines *lines, unsigned int from, unsigned int count)
{
	char line[32];

	for (unsigned int i = from; i < from + count; i++) {
		int size = snprintf(line, sizeof(line), "line %u\n", i);

		ck_assert_int_eq(lines_put(lines, line, (size_t)size), 0);
	}
	return from + count;
}

/* @text is whole lines in their order: numbers, and how many of them are missing where some are. */
static unsigned int check_numbers(void)
{
	unsigned int next = 0, number, missing = 0;

	for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n")) {
		if (sscanf(line, "# %u lines are missing here: not read in time", &missing) == 1) {
			next += missing;
			continue;
		}
		ck_assert_msg(sscanf(line, "line %u", &number) == 1, "'%s'", line);
		ck_assert_uint_eq(number, next);
		next++;
	}
	return next;
}

START_TEST(what_is_not_read_in_time_is_counted)
{
	struct lines *lines;
	unsigned int count = 0;

	open_kind(_i);
	lines = lines_of(ends[1]);
	/* One that waited for a reader would wait here for ever. */
	count = put_numbers(lines, count, 20000);
	ck_assert_uint_gt(lines->missing, 0);
	read_all();
	ck_assert_ptr_nonnull(strstr(text, "line 0"));
	/* Enough read for the rest to go out with the next. */
	for (unsigned int i = 0; i < 40 && (lines->count > 0 || lines->missing > 0); i++) {
		count = put_numbers(lines, count, 1);
		read_all();
	}
	ck_assert_uint_eq(check_numbers(), count);
	lines_free(lines);
	close_ends();
}
END_TEST

START_TEST(the_loop_writes_on_when_there_is_room)
{
	struct lines *lines;

	loop = loop_create(&err);
	tick = fd_eventfd();
	ck_assert_int_eq(loop_add(loop, tick, EPOLLIN, end_turn, NULL, &err), 0);
	open_kind(PIPE);
	lines = lines_of(ends[1]);
	lines_attend(lines, loop);
	put_numbers(lines, 0, 20000);
	ck_assert(lines->watching && lines->missing > 0);
	for (unsigned int i = 0; i < 40 && lines->watching; i++) {
		read_all();
		turn();
	}
	read_all();
	ck_assert_uint_eq(check_numbers(), 20000);
	ck_assert_uint_eq(lines->count, 0);
	lines_attend(lines, NULL);
	lines_free(lines);
	loop_remove(loop, tick);
	fd_close(&tick);
	loop_destroy(loop);
	close_ends();
}
END_TEST

START_TEST(a_stalled_reader_is_flushed_to_for_a_moment)
{
	struct lines *lines;
	double begin;

	open_kind(_i);
	lines = lines_of(ends[1]);
	put_numbers(lines, 0, 20000);
	begin = now();
	lines_flush(lines);
	ck_assert(now() - begin < 5);
	/* And one that is gone fails, and nothing waits for it. */
	if (_i != PTY) {
		fd_close(&ends[0]);
		ck_assert_int_eq(lines_put(lines, "x\n", 2), -EPIPE);
		ck_assert_uint_eq(lines->count, 0);
	}
	lines_free(lines);
	close_ends();
}
END_TEST

static void add_tests(TCase *tests)
{
	signal(SIGPIPE, SIG_IGN);
	tcase_add_loop_test(tests, what_is_not_read_in_time_is_counted, 0, KINDS);
	tcase_add_test(tests, the_loop_writes_on_when_there_is_room);
	tcase_add_loop_test(tests, a_stalled_reader_is_flushed_to_for_a_moment, 0, KINDS);
}

int main(void)
{
	return run_suite("lines", add_tests);
}
