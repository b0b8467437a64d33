/* SPDX-License-Identifier: BSD-3-Clause */
/* The log: its levels, its limit, and readers who do not read. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "tests/unit/vmm/base/test_reader.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"

START_TEST(log_levels_are_read_by_name)
{
	enum log_level level;

	ck_assert_int_eq(log_parse_level("debug", &level), 0);
	ck_assert_int_eq(level, LOG_DEBUG);
	ck_assert_int_eq(log_parse_level("loud", &level), -EINVAL);
}
END_TEST

/* Labels only where something is wrong but no error; nothing but errors at the highest level. */
START_TEST(log_labels_go_by_level)
{
	int pipes[2], saved = dup(STDERR_FILENO);
	char said[256] = {0};

	ck_assert_int_eq(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	log_error("a");
	log_warn("b");
	log_notice("c%s", "\x1b[2J\n\xff");
	log_info("d");
	log_set_level(LOG_ERROR);
	log_notice("e");
	log_set_level(LOG_WARN);
	dup2(saved, STDERR_FILENO);
	ck_assert_int_gt(read(pipes[0], said, sizeof(said) - 1), 0);
	ck_assert_str_eq(said, "ferry: a\nferry: warn: b\nferry: c?[2J??\n");
	close(pipes[0]);
	close(pipes[1]);
	close(saved);
}
END_TEST

START_TEST(log_limits_what_a_guest_provokes)
{
	struct log_limit limit = {0};
	int pipes[2], saved = dup(STDERR_FILENO);
	char said[8192];
	unsigned int lines = 0;
	ssize_t n;

	ck_assert_int_eq(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	for (int i = 0; i < 1000; i++)
		log_guest(&limit, LOG_WARN, "again %d", i);
	dup2(saved, STDERR_FILENO);
	close(pipes[1]);
	n = read(pipes[0], said, sizeof(said));
	for (ssize_t i = 0; i < n; i++)
		lines += said[i] == '\n';
	ck_assert_uint_ge(lines, 1);
	ck_assert_uint_le(lines, 15);
	ck_assert_uint_gt(limit.suppressed, 900);
	close(pipes[0]);
	close(saved);
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
	tcase_add_test(tests, log_levels_are_read_by_name);
	tcase_add_test(tests, log_labels_go_by_level);
	tcase_add_test(tests, log_limits_what_a_guest_provokes);
	tcase_add_test(tests, the_log_waits_for_nobody);
	tcase_add_test(tests, what_waited_before_the_loop_goes_out);
}

int main(void)
{
	return run_suite("log", add_tests);
}
