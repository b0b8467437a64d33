/* SPDX-License-Identifier: BSD-3-Clause */
/* Sentences, descriptors, bit arithmetic, the log's limit and the event loop. */

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/bits.h"
#include "vmm/base/err.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/base/loop.h"
#include "vmm/base/text.h"

START_TEST(err_keeps_the_code_and_takes_prefixes)
{
	struct err err = {0};

	ck_assert_int_eq(err_set(&err, -ENOENT, "kernel: %s: %s", "vmlinux", err_text(-ENOENT)),
			 -ENOENT);
	ck_assert_int_eq(err_prefix(&err, "machine %d", 7), -ENOENT);
	ck_assert_str_eq(err.text, "machine 7: kernel: vmlinux: No such file or directory");
	ck_assert_int_eq(err_set(NULL, -EIO, "nobody listens"), -EIO);
}
END_TEST

START_TEST(err_cuts_what_does_not_fit)
{
	struct err err = {0};
	char longer[2 * sizeof(err.text)];

	memset(longer, 'y', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_set(&err, -EINVAL, "%s", longer);
	ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
	ck_assert_int_eq(err_prefix(&err, "before"), -EINVAL);
	ck_assert(strncmp(err.text, "before: yyy", 11) == 0);
}
END_TEST

START_TEST(ranges_do_not_wrap)
{
	ck_assert(range_fits(0, 0, 0));
	ck_assert(range_fits(4, 4, 8));
	ck_assert(!range_fits(5, 4, 8));
	ck_assert(!range_fits(UINT64_MAX - 1, 4, 8));
	ck_assert(!range_fits(4, UINT64_MAX, 8));
	ck_assert(ranges_overlap(0, 16, 15, 1));
	ck_assert(!ranges_overlap(0, 16, 16, 1));
	ck_assert(ranges_overlap(UINT64_MAX - 15, 16, UINT64_MAX, 1));
	ck_assert(!ranges_overlap(4, 0, 0, 16));
}
END_TEST

START_TEST(powers_and_bytes)
{
	uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	ck_assert_uint_eq(round_up_power_of_2(0), 1);
	ck_assert_uint_eq(round_up_power_of_2(3), 4);
	ck_assert_uint_eq(round_up_power_of_2((uint64_t)1 << 63), (uint64_t)1 << 63);
	ck_assert(!is_power_of_2(0) && is_power_of_2(4096) && !is_power_of_2(4097));
	ck_assert_uint_eq(all_ones(1), 0xff);
	ck_assert_uint_eq(all_ones(8), UINT64_MAX);
	ck_assert_uint_eq(load_le(bytes + 1, 3), 0x040302);
	ck_assert_uint_eq(load_le64(bytes), 0x0807060504030201);
	store_le16(bytes, 0xbeef);
	ck_assert_uint_eq(load_le32(bytes), 0x0403beef);
}
END_TEST

START_TEST(eventfd_counts_and_empties)
{
	int fd = fd_eventfd();

	ck_assert_int_ge(fd, 0);
	ck_assert(!fd_take(fd));
	fd_signal(fd);
	fd_signal(fd);
	ck_assert(fd_take(fd));
	ck_assert(!fd_take(fd));
	fd_close(&fd);
	ck_assert_int_eq(fd, -1);
	fd_close(&fd);
}
END_TEST

START_TEST(read_at_tells_a_short_file)
{
	char path[] = "/tmp/ferry-base-XXXXXX";
	int fd = mkstemp(path);
	char buffer[8];

	unlink(path);
	ck_assert_int_eq(fd_write_all(fd, "abcdef", 6), 0);
	ck_assert_int_eq(fd_read_at(fd, buffer, 4, 2), 0);
	ck_assert_mem_eq(buffer, "cdef", 4);
	ck_assert_int_eq(fd_read_at(fd, buffer, 5, 2), -ENODATA);
	fd_close(&fd);
	ck_assert_int_eq(fd_read_at(fd, buffer, 1, 0), -EBADF);
}
END_TEST

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
	char text[256] = {0};

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
	ck_assert_int_gt(read(pipes[0], text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, "ferry: a\nferry: warn: b\nferry: c?[2J??\n");
	close(pipes[0]);
	close(pipes[1]);
	close(saved);
}
END_TEST

START_TEST(log_limits_what_a_guest_provokes)
{
	struct log_limit limit = {0};
	int pipes[2], saved = dup(STDERR_FILENO);
	char text[8192];
	unsigned int lines = 0;
	ssize_t n;

	ck_assert_int_eq(pipe(pipes), 0);
	dup2(pipes[1], STDERR_FILENO);
	for (int i = 0; i < 1000; i++)
		log_guest(&limit, LOG_WARN, "again %d", i);
	dup2(saved, STDERR_FILENO);
	close(pipes[1]);
	n = read(pipes[0], text, sizeof(text));
	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	ck_assert_uint_ge(lines, 1);
	ck_assert_uint_le(lines, 15);
	ck_assert_uint_gt(limit.suppressed, 900);
	close(pipes[0]);
	close(saved);
}
END_TEST

struct stopper {
	struct loop *loop;
	int fd;
	unsigned int calls;
};

static void stop_after_three(void *owner, uint32_t events)
{
	struct stopper *stopper = owner;

	ck_assert(events & EPOLLIN);
	fd_take(stopper->fd);
	if (++stopper->calls == 3) {
		loop_remove(stopper->loop, stopper->fd);
		loop_stop(stopper->loop);
	}
	fd_signal(stopper->fd);
}

START_TEST(loop_calls_until_stopped)
{
	struct err err = {0};
	struct stopper stopper = {.loop = loop_create(&err), .fd = fd_eventfd()};

	ck_assert_ptr_nonnull(stopper.loop);
	ck_assert_int_eq(loop_add(stopper.loop, stopper.fd, EPOLLIN, stop_after_three, &stopper,
				  &err),
			 0);
	ck_assert_int_ne(loop_add(stopper.loop, stopper.fd, EPOLLIN, stop_after_three, &stopper,
				  &err),
			 0);
	fd_signal(stopper.fd);
	ck_assert_int_eq(loop_run(stopper.loop, &err), 0);
	ck_assert_uint_eq(stopper.calls, 3);
	loop_stop(stopper.loop);
	ck_assert_int_eq(loop_run(stopper.loop, &err), 0);
	ck_assert_uint_eq(stopper.calls, 3);
	loop_destroy(stopper.loop);
	loop_destroy(NULL);
	fd_close(&stopper.fd);
}
END_TEST

START_TEST(text_of_others_is_made_printable)
{
	static const struct {
		const char *from, *to;
	} texts[] = {
		{"", ""},
		{"plain ~text", "plain ~text"},
		{"a\x1b[2Jb\rc\nd\te\x7f", "a?[2Jb?c?d e?"},
		{"Gr\xc3\xbc\xc3\x9f"
		 "e \xe2\x82\xac \xf0\x9f\x98\x80",
		 "Gr\xc3\xbc\xc3\x9f"
		 "e \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\xc2\x9b"
		 "31m",
		 "?31m"}, /* C1: CSI */
		{"\xe2\x80\xae"
		 "fdp",
		 "?fdp"},                                            /* right to left from here */
		{"\xe2\x81\xa6|\xe2\x80\x8b|\xef\xbb\xbf", "?|?|?"}, /* isolate, no width */
		{"\xff\xfe|\x80|\xc3", "??|?|?"},                    /* not UTF-8, cut off */
		{"\xe2\x82|\xf0\x9f\x98", "??|???"},
		{"\xc0\xaf|\xe0\x80\xaf|\xf0\x80\x80\xaf", "??|???|????"}, /* too long */
		{"\xed\xa0\x80|\xf4\x90\x80\x80", "???|????"}, /* a surrogate, past the end */
		{"\xc3(", "?("},
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		strcpy(text, texts[i].from);
		text_make_printable(text);
		ck_assert_str_eq(text, texts[i].to);
	}
}
END_TEST

static void never(void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	ck_abort_msg("a watch that is gone was called");
}

static void remove_other(void *owner, uint32_t events)
{
	struct stopper *stopper = owner;

	(void)events;
	loop_remove(stopper->loop, stopper->fd);
	loop_stop(stopper->loop);
}

/* Two that are ready in one round: whichever comes first takes the other away. */
START_TEST(a_watch_can_go_while_it_is_ready)
{
	struct err err = {0};
	struct loop *loop = loop_create(&err);
	int fds[2] = {fd_eventfd(), fd_eventfd()};
	struct stopper first = {.loop = loop, .fd = fds[1]}, second = {.loop = loop, .fd = fds[0]};

	ck_assert_int_eq(loop_add(loop, fds[0], EPOLLIN, remove_other, &first, &err), 0);
	ck_assert_int_eq(loop_add(loop, fds[1], EPOLLIN, remove_other, &second, &err), 0);
	fd_signal(fds[0]);
	fd_signal(fds[1]);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	loop_destroy(loop);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}
END_TEST

/*
 * A guest that turns its interrupts on and off for hours must not fill a list that nobody clears.
 */
START_TEST(watches_do_not_pile_up)
{
	struct err err = {0};
	struct loop *loop = loop_create(&err);
	int fd = fd_eventfd();
	clock_t begin = clock();

	for (unsigned int i = 0; i < 100000; i++) {
		ck_assert_int_eq(loop_add(loop, fd, EPOLLIN, never, NULL, &err), 0);
		loop_remove(loop, fd);
	}
	ck_assert_int_lt((clock() - begin) / CLOCKS_PER_SEC, 3);
	loop_destroy(loop);
	fd_close(&fd);
}
END_TEST

START_TEST(text_is_cut_at_its_room)
{
	char buffer[8] = "";
	struct text text = {.next = buffer, .room = sizeof(buffer)};

	text_append(&text, "%d", 12);
	ck_assert_str_eq(buffer, "12");
	text_append(&text, "%s", "abcdefgh");
	ck_assert_str_eq(buffer, "12abcde");
	text_append(&text, "more");
	ck_assert_str_eq(buffer, "12abcde");
	text.room = 0;
	text_append(&text, "more");
	ck_assert_str_eq(buffer, "12abcde");
}
END_TEST

START_TEST(sizes_are_told_in_the_largest_unit)
{
	char text[TEXT_SIZE_ROOM];

	ck_assert_str_eq(text_size(text, 0), "0 bytes");
	ck_assert_str_eq(text_size(text, 1023), "1023 bytes");
	ck_assert_str_eq(text_size(text, 64 * KIB), "64 KiB");
	ck_assert_str_eq(text_size(text, 64 * KIB + 1), "65537 bytes");
	ck_assert_str_eq(text_size(text, 3 * GIB), "3 GiB");
	ck_assert_str_eq(text_size(text, (uint64_t)1 << 63), "8388608 TiB");
	ck_assert_str_eq(text_size(text, UINT64_MAX), "18446744073709551615 bytes");
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, err_keeps_the_code_and_takes_prefixes);
	tcase_add_test(tests, err_cuts_what_does_not_fit);
	tcase_add_test(tests, ranges_do_not_wrap);
	tcase_add_test(tests, powers_and_bytes);
	tcase_add_test(tests, eventfd_counts_and_empties);
	tcase_add_test(tests, read_at_tells_a_short_file);
	tcase_add_test(tests, log_levels_are_read_by_name);
	tcase_add_test(tests, log_labels_go_by_level);
	tcase_add_test(tests, log_limits_what_a_guest_provokes);
	tcase_add_test(tests, loop_calls_until_stopped);
	tcase_add_test(tests, text_of_others_is_made_printable);
	tcase_add_test(tests, a_watch_can_go_while_it_is_ready);
	tcase_add_test(tests, watches_do_not_pile_up);
	tcase_add_test(tests, text_is_cut_at_its_room);
	tcase_add_test(tests, sizes_are_told_in_the_largest_unit);
}

int main(void)
{
	return run_suite("base", add_tests);
}
