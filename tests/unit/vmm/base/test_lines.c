/* SPDX-License-Identifier: BSD-3-Clause */
/* Writers that never wait, and lines to readers who are slow, stalled or gone. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/fd.h"
#include "vmm/base/lines.h"
#include "vmm/base/log.h"

static int ends[2];           /* read, write */
static char text[512 * 1024]; /* what was read */
static size_t used;
static struct err err;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Everything there is to read now, behind what was read before. */
static void read_all(void)
{
	struct pollfd ready = {.fd = ends[0], .events = POLLIN};

	while (poll(&ready, 1, 50) == 1 && used < sizeof(text) - 1) {
		ssize_t n = read(ends[0], text + used, sizeof(text) - 1 - used);

		if (n <= 0)
			break;
		used += (size_t)n;
	}
	text[used] = '\0';
}

static void open_pty(void)
{
	ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert(ends[0] >= 0 && grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0);
	ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(ends[1], 0);
}

enum { PIPE, SOCKET, PTY, KINDS };

static void open_kind(int kind)
{
	if (kind == PIPE)
		ck_assert_int_eq(pipe(ends), 0);
	else if (kind == SOCKET)
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	else
		open_pty();
}

static void close_ends(void)
{
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

START_TEST(a_full_reader_is_not_waited_for)
{
	struct writer writer;
	char block[1000];
	ssize_t n;

	open_kind(_i);
	memset(block, 'b', sizeof(block));
	writer_share(&writer, ends[1]);
	while ((n = writer_write(&writer, block, sizeof(block))) > 0)
		;
	ck_assert_int_eq(n, -EAGAIN);
	/* The descriptor is others' too: it waits as it did. */
	ck_assert(!(fcntl(ends[1], F_GETFL) & O_NONBLOCK));
	read_all();
	ck_assert_int_gt(writer_write(&writer, "x", 1), 0);
	writer_close(&writer);
	ck_assert_int_ge(fcntl(ends[1], F_GETFL), 0);
	close_ends();
}
END_TEST

/* Where it cannot be opened anew, as another user's terminal. */
START_TEST(a_shared_one_is_looked_at_first)
{
	struct writer writer = {.way = WRITER_POLLED};
	char block[10000];
	ssize_t n;

	open_kind(_i ? PTY : PIPE);
	memset(block, 'b', sizeof(block));
	writer.fd = ends[1];
	while ((n = writer_write(&writer, block, sizeof(block))) > 0)
		;
	ck_assert_int_eq(n, -EAGAIN);
	close_ends();
}
END_TEST

START_TEST(a_file_keeps_its_place)
{
	char path[] = "/tmp/ferry-lines-XXXXXX";
	int fd = mkstemp(path);
	struct writer writer;

	ck_assert_int_eq(fd_write_all(fd, "before ", 7), 0);
	writer_share(&writer, fd);
	ck_assert_int_eq(writer_write(&writer, "after", 5), 5);
	writer_close(&writer);
	ck_assert_int_eq(fd_read_at(fd, text, 12, 0), 0);
	ck_assert_mem_eq(text, "before after", 12);
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(outputs_are_opened_without_waiting)
{
	char path[] = "/tmp/ferry-lines-XXXXXX";
	int fd;

	ck_assert_ptr_nonnull(mkdtemp(path));
	snprintf(text, sizeof(text), "%s/fifo", path);
	ck_assert_int_eq(mkfifo(text, 0600), 0);
	ck_assert_int_eq(fd_open_output(text, 0), -ENXIO);
	ck_assert_str_eq(fd_output_text(-ENXIO), "nobody reads there: start its reader first");
	ends[0] = open(text, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	fd = fd_open_output(text, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
	close(ends[0]);
	ck_assert_int_eq(fd_open_output(path, 0), -EISDIR);
	unlink(text);
	rmdir(path);
}
END_TEST

static struct lines *lines_of(int fd)
{
	struct lines *lines = calloc(1, sizeof(*lines));

	ck_assert_ptr_nonnull(lines);
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

static struct loop *loop;
static int tick = -1;

static void end_turn(void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	fd_take(tick);
	loop_stop(loop);
}

static void turn(void)
{
	fd_signal(tick);
	ck_assert_int_eq(loop_run(loop, &err), 0);
}

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

/* The log's: a full pipe as standard error, and the loop. */
START_TEST(the_log_waits_for_nobody)
{
	int saved = dup(STDERR_FILENO);
	double begin = now();

	loop = loop_create(&err);
	open_kind(PIPE);
	dup2(ends[1], STDERR_FILENO);
	log_never_wait(loop);
	for (unsigned int i = 0; i < 5000; i++)
		log_warn("nobody reads this, and it is %u of many", i);
	ck_assert(now() - begin < 5);
	for (unsigned int i = 0; i < 4; i++) {
		read_all();
		log_flush();
	}
	log_say("a report\nof %s", "two lines");
	read_all();
	ck_assert_ptr_nonnull(
		strstr(text, "ferry: warn: nobody reads this, and it is 0 of many\n"));
	ck_assert_ptr_nonnull(strstr(text, "lines are missing here: not read in time\nferry: a "
					   "report\nof two lines\n"));
	log_never_wait(NULL);
	dup2(saved, STDERR_FILENO);
	loop_destroy(loop);
	close_ends();
}
END_TEST

/* Standard error was full, and somebody had set it not to wait, before the loop was there. */
START_TEST(what_waited_before_the_loop_goes_out)
{
	int saved = dup(STDERR_FILENO);
	char block[4096] = "";

	loop = loop_create(&err);
	tick = fd_eventfd();
	ck_assert_int_eq(loop_add(loop, tick, EPOLLIN, end_turn, NULL, &err), 0);
	open_kind(PIPE);
	ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	memset(block, '\n', sizeof(block));
	while (write(ends[1], block, sizeof(block)) > 0)
		;
	dup2(ends[1], STDERR_FILENO);
	log_say("early");
	log_never_wait(loop);
	for (unsigned int i = 0; i < 4; i++) {
		read_all();
		turn();
	}
	ck_assert_ptr_nonnull(strstr(text, "ferry: early\n"));
	/* No watch is left, which would wake the loop for ever. */
	ck_assert_int_eq(loop_add(loop, STDERR_FILENO, EPOLLOUT, end_turn, NULL, &err), 0);
	log_never_wait(NULL);
	dup2(saved, STDERR_FILENO);
	loop_destroy(loop);
	fd_close(&tick);
	close_ends();
}
END_TEST

static void add_tests(TCase *tests)
{
	signal(SIGPIPE, SIG_IGN);
	tcase_add_loop_test(tests, a_full_reader_is_not_waited_for, 0, KINDS);
	tcase_add_loop_test(tests, a_shared_one_is_looked_at_first, 0, 2);
	tcase_add_test(tests, a_file_keeps_its_place);
	tcase_add_test(tests, outputs_are_opened_without_waiting);
	tcase_add_loop_test(tests, what_is_not_read_in_time_is_counted, 0, KINDS);
	tcase_add_test(tests, the_loop_writes_on_when_there_is_room);
	tcase_add_loop_test(tests, a_stalled_reader_is_flushed_to_for_a_moment, 0, KINDS);
	tcase_add_test(tests, the_log_waits_for_nobody);
	tcase_add_test(tests, what_waited_before_the_loop_goes_out);
}

int main(void)
{
	return run_suite("lines", add_tests);
}
