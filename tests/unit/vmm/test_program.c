/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that serves the guest: found, started, heard, ended; a shell plays it. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/program.h"

static struct loop *loop;
static struct err err;
static int listening, connected;

static void setup(void)
{
	loop = loop_create(&err);
	ck_assert_ptr_nonnull(loop);
	ck_assert_msg(program_connect(&listening, &connected, &err) == 0, "%s", err.text);
	log_set_level(LOG_INFO);
	hear();
}

static void teardown(void)
{
	fd_close(&listening);
	fd_close(&connected);
	loop_destroy(loop);
}

static struct program *start_as(const char *name, const char *script)
{
	static const char *const places[] = {"/nowhere/at-all", "/bin/sh", NULL};
	const char *const arguments[] = {"-c", script, NULL};
	const struct program_config config = {
		.name = name,
		.places = strchr(name, '/') || strcmp(name, "sh") == 0 ? NULL : places,
		.package = "dash",
		.arguments = arguments,
		.socket = listening,
		.loses = "the folder is gone",
	};

	return program_start(&config, loop, &err);
}

static struct program *start(const char *script)
{
	struct program *program = start_as("sh", script);

	ck_assert_msg(program, "%s", err.text);
	return program;
}

static void stop_loop(void *owner, uint32_t events)
{
	(void)owner;
	(void)events;
	loop_stop(loop);
}

/* Until the program writes to its socket's other end, or is gone. */
static void run_until_word(int accepted)
{
	ck_assert_int_eq(loop_add(loop, accepted, EPOLLIN, stop_loop, NULL, &err), 0);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	loop_remove(loop, accepted);
}

/* A while of the loop, in which all that was printed is heard. */
static void run_for(int milliseconds)
{
	const struct itimerspec time = {.it_value.tv_nsec = milliseconds * 1000000L};
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	ck_assert_int_eq(timerfd_settime(timer, 0, &time, NULL), 0);
	run_until_word(timer);
	fd_close(&timer);
}

/* All of it, as what is said comes by turns. */
static const char *heard_with(const char *wanted)
{
	static char all[4096];

	all[0] = '\0';
	for (int i = 0; i < 600 && !strstr(all, wanted); i++) {
		run_for(50);
		strncat(all, heard(), sizeof(all) - strlen(all) - 1);
		hear();
	}
	ck_assert_msg(strstr(all, wanted), "%s", all);
	return all;
}

START_TEST(what_it_prints_is_told)
{
	struct program *program = start("echo one; printf 't\\033wo\\n' >&2; sleep 100");

	ck_assert_ptr_nonnull(strstr(heard_with("t?wo"), "ferry: info: sh: one\n"));
	program_end(program, 5000);
}
END_TEST

START_TEST(its_end_is_told_with_its_last_words)
{
	struct program *program = start("echo first; echo 'no such folder'; exit 3");

	heard_with("ferry: sh has ended: no such folder: the folder is gone\n");
	program_end(program, 5000);
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(a_word_without_an_end_is_told_too)
{
	struct program *program = start("printf cut");

	heard_with("ferry: sh has ended: cut: the folder is gone\n");
	program_end(program, 5000);
}
END_TEST

/* It gets its time to write what it holds, and is not told of as if it had died. */
START_TEST(it_is_asked_to_end_and_waited_for)
{
	char path[] = "/tmp/program-XXXXXX", script[128];
	int file = mkstemp(path);
	struct program *program;
	struct stat status;

	snprintf(
		script, sizeof(script),
		"trap 'sleep 0.3; echo kept > %s; exit' HUP; echo ready; while :; do sleep 0.05; done",
		path);
	program = start(script);
	heard_with("ready");
	program_end(program, 10000);
	ck_assert_int_eq(fstat(file, &status), 0);
	ck_assert_int_eq(status.st_size, 5);
	ck_assert_ptr_null(strstr(heard(), "has ended"));
	unlink(path);
	close(file);
}
END_TEST

START_TEST(one_that_does_not_end_is_not_waited_for_longer)
{
	struct program *program = start("trap '' HUP; echo ready; sleep 20");

	heard_with("ready");
	program_end(program, 200);
	ck_assert_ptr_nonnull(strstr(heard(), "ferry: warn: sh has not ended within 200 ms"));
}
END_TEST

/* Nothing of the monitor's is open in it: not the other end of its socket, nor a device. */
START_TEST(it_has_its_four_descriptors_alone)
{
	int other = open("/dev/zero", O_RDONLY);
	struct program *program = start("ls -l /proc/self/fd; echo over; sleep 100");
	const char *said = heard_with("sh: over");

	ck_assert_ptr_nonnull(strstr(said, " 0 -> /dev/pts/"));
	ck_assert_ptr_null(strstr(said, "zero"));
	program_end(program, 5000);
	close(other);
}
END_TEST

START_TEST(no_signal_is_kept_from_it)
{
	sigset_t all;
	struct program *program;
	const char *said;

	signal(SIGPIPE, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	program = start("grep -E 'Sig(Blk|Ign)' /proc/self/status; sleep 100");
	said = heard_with("SigIgn");
	ck_assert_msg(strstr(said, "SigBlk: 0000000000000000"), "%s", said);
	/* The C library's own two are nobody's to set. */
	ck_assert_msg((strtoull(strstr(said, "SigIgn: ") + 8, NULL, 16) & INT_MAX) == 0, "%s",
		      said);
	program_end(program, 5000);
}
END_TEST

/* The first connection is the monitor's, and there is no second. */
START_TEST(its_socket_has_one_client)
{
	int accepted;
	char word[8] = "";
	struct sockaddr_un address;
	socklen_t size = sizeof(address);

	/* Its name is gone. */
	ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &size), 0);
	ck_assert_int_eq(access(address.sun_path, F_OK), -1);
	ck_assert_int_eq(send(connected, "word", 4, 0), 4);
	accepted = accept(listening, NULL, NULL);
	ck_assert_int_ge(accepted, 0);
	ck_assert_int_eq(recv(accepted, word, sizeof(word), 0), 4);
	ck_assert_str_eq(word, "word");
	close(accepted);
}
END_TEST

START_TEST(one_that_is_not_there_is_told_with_its_package)
{
	ck_assert_ptr_null(start_as("no/such", "exit"));
	ck_assert_str_eq(err.text, "there is no program no/such: Debian's package dash has it");
	ck_assert_int_eq(err.code, -ENOENT);
}
END_TEST

START_TEST(it_is_found_beside_path)
{
	struct program *program = start_as("not-in-path", "echo here; sleep 100");

	ck_assert_msg(program, "%s", err.text);
	heard_with("ferry: info: not-in-path: here\n");
	program_end(program, 5000);
}
END_TEST

START_TEST(one_that_is_none_is_told)
{
	char folder[] = "/tmp/program-XXXXXX", path[64];
	int file;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sh", folder);
	file = open(path, O_WRONLY | O_CREAT, 0755);
	ck_assert_int_eq(write(file,
			       "\x7f"
			       "ELF",
			       4),
			 4);
	close(file);
	setenv("PATH", folder, 1);
	ck_assert_ptr_null(start_as("sh", "exit"));
	ck_assert_msg(strstr(err.text, "/sh cannot be started: Exec format error"), "%s", err.text);
	unlink(path);
	rmdir(folder);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_it_prints_is_told);
	tcase_add_test(tests, its_end_is_told_with_its_last_words);
	tcase_add_test(tests, a_word_without_an_end_is_told_too);
	tcase_add_test(tests, it_is_asked_to_end_and_waited_for);
	tcase_add_test(tests, one_that_does_not_end_is_not_waited_for_longer);
	tcase_add_test(tests, it_has_its_four_descriptors_alone);
	tcase_add_test(tests, no_signal_is_kept_from_it);
	tcase_add_test(tests, its_socket_has_one_client);
	tcase_add_test(tests, one_that_is_not_there_is_told_with_its_package);
	tcase_add_test(tests, it_is_found_beside_path);
	tcase_add_test(tests, one_that_is_none_is_told);
}

int main(void)
{
	return run_suite("vmm/program", add_tests);
}
