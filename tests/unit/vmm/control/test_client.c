/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection of the control socket: slow readers, last words, descriptors, late answers. */

#include <fcntl.h>
#include <semaphore.h>
#include <sys/resource.h>

#include "tests/unit/support/host.h"
#include "tests/unit/support/log.h"
#include "tests/unit/vmm/control/test_server.h"
#include "vmm/base/files.h"
#include "vmm/base/thread.h"

START_TEST(who_does_not_read_is_dropped)
{
	int slow = negotiated(), quick = negotiated();
	unsigned int events = 0;

	hear();
	while (events < 100000 && strcmp(hear_all(quick), "") != 0 && ++events) {
		control_tell_reset(control, CONTROL_HOST_RESET);
		if (events % 1000 == 0)
			turn();
		if (recv(slow, line, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
			break;
		/* The end of what it was sent is behind all of that. */
		if (events == 20000)
			break;
	}
	turn();
	ck_assert_msg(strstr(heard(), "a client was dropped: it does not read what it is sent"),
		      "after %u events", events);
	say(quick, "{\"execute\": \"stop\"}");
	hears(quick, "\"return\"");
	/* What it reads in the end are whole lines but for the last, and then nothing more. */
	while (*hear_all(slow))
		ck_assert_str_ne(line, "(nothing)");
	close(slow);
	close(quick);
}
END_TEST

START_TEST(who_asks_without_reading_is_not_listened_to)
{
	static const char ask[] = "{\"execute\": \"query-commands\"}\n";
	int fd = negotiated();
	size_t asked = 0, answered = 0;

	/* Until the socket itself is full of questions. */
	while (asked < 100000 && send(fd, ask, strlen(ask), MSG_NOSIGNAL) == (ssize_t)strlen(ask)) {
		asked++;
		if (asked % 100 == 0)
			turn();
	}
	ck_assert_uint_lt(asked, 100000);
	/* None is lost. */
	for (unsigned int idle = 0; answered < asked && idle < 1000; idle++) {
		turn();
		while (strcmp(hear_all(fd), "(nothing)") != 0) {
			ck_assert_str_ne(line, "");
			for (const char *at = line; (at = strchr(at, '\n')); at++)
				answered++;
			idle = 0;
			turn();
		}
	}
	ck_assert_uint_eq(answered, asked);
	close(fd);
}
END_TEST

START_TEST(last_words_are_answered)
{
	int fd = come();

	say(fd, "{\"execute\": \"qmp_capabilities\"}{\"execute\": \"stop\"}");
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	turn();
	hears(fd, "{\"return\": {}}\r\n{\"return\": {}}\r\n");
	ck_assert_str_eq(hear_all(fd), "");
	ck_assert_uint_eq(fake_machine.stops, 1);
	close(fd);
}
END_TEST

/* More than is read at once, of a client that has closed without waiting for an answer. */
START_TEST(those_of_who_is_gone_are_carried_out)
{
	static const char ask[] = "{\"execute\": \"stop\"}\n";
	static char asks[1000 * sizeof(ask)];
	struct sockaddr_un to;
	int fd = negotiated();

	for (unsigned int i = 0; i < 1000; i++)
		strcpy(asks + i * (sizeof(ask) - 1), ask);
	ck_assert_int_eq(send(fd, asks, strlen(asks), MSG_NOSIGNAL), (ssize_t)strlen(asks));
	close(fd);
	for (unsigned int i = 0; i < 5; i++)
		turn();
	ck_assert_uint_eq(fake_machine.stops, 1000);
	/* Nor does it matter that it is gone before the greeting. */
	ck_assert_int_eq(local_address(path, &to, &err), 0);
	fd = local_connect(&to, 0);
	ck_assert_int_gt(dprintf(fd, "{\"execute\": \"qmp_capabilities\"}%s", ask), 0);
	close(fd);
	for (unsigned int i = 0; i < 5; i++)
		turn();
	ck_assert_uint_eq(fake_machine.stops, 1001);
}
END_TEST

START_TEST(who_pipelines_is_answered_as_it_reads)
{
	static char answer[32 * 1024];
	static const char ask[] = "{\"execute\": \"human-monitor-command\", "
				  "\"arguments\": {\"command-line\": \"pci\"}, \"id\": 77}\n";
	const size_t asked = 300;
	int fd = negotiated();
	size_t answered = 0, sent = 0;

	memset(answer, 'a', sizeof(answer) - 1);
	fake_machine.answer = answer;
	for (unsigned int idle = 0; answered < asked && idle < 1000; idle++) {
		while (sent < asked &&
		       send(fd, ask, strlen(ask), MSG_NOSIGNAL) == (ssize_t)strlen(ask))
			sent++;
		turn();
		while (strcmp(hear_all(fd), "(nothing)") != 0) {
			ck_assert_str_ne(line, "");
			for (const char *at = line; (at = strchr(at, '\n')); at++)
				answered++;
			idle = 0;
			turn();
		}
	}
	ck_assert_uint_eq(answered, asked);
	close(fd);
}
END_TEST

START_TEST(a_refusal_that_ends_it_is_still_told)
{
	char deep[64];
	int fd = negotiated();

	memset(deep, '{', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	say(fd, deep);
	hears(fd, "too deep");
	ck_assert_str_eq(hear_all(fd), "");
	close(fd);
}
END_TEST

/* Sends @text with copies of the @count descriptors @fds. */
static void pass(int fd, const char *text, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} ancillary = {0};
	struct iovec bytes = {.iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text)};
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};

	ancillary.header.cmsg_level = SOL_SOCKET;
	ancillary.header.cmsg_type = SCM_RIGHTS;
	ancillary.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&ancillary.header), fds, count * sizeof(int));
	ck_assert_int_eq(sendmsg(fd, &message, MSG_NOSIGNAL), (ssize_t)strlen(text));
	turn();
}

#define GETFD(name) "{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"" name "\"}}"
#define ADD                                                                                        \
	"{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"vfio-pci\", "                 \
	"\"host\": \"01:00.0\"}}"
#define ADD_FD                                                                                     \
	"{\"execute\": \"device_add\", \"arguments\": {\"driver\": \"vfio-pci\", "                 \
	"\"fd\": \"node\"}}"

START_TEST(descriptors_come_with_requests)
{
	unsigned int descriptors = count_descriptors();
	int fd = negotiated(), null = open("/dev/null", O_RDWR | O_CLOEXEC);

	say(fd, GETFD("node"));
	hears(fd, "no descriptor came with it");
	/* Behind others that are read with it, before a blank, and one without any use. */
	pass(fd, "{\"execute\": \"stop\"}" GETFD("node"), &null, 1);
	ck_assert_str_eq(hear_all(fd), "{\"return\": {}}\r\n{\"return\": {}}\r\n");
	pass(fd, " ", &null, 1);
	say(fd, GETFD("other"));
	ck_assert_str_eq(hear_all(fd), "{\"return\": {}}\r\n");
	pass(fd, "{\"execute\": \"stop\"}", &null, 1);
	ck_assert_str_eq(hear_all(fd), "{\"return\": {}}\r\n");
	say(fd, ADD_FD);
	ck_assert_int_gt(fake_machine.config.fd, 2);
	ck_assert_int_eq(fcntl(fake_machine.config.fd, F_GETFD), FD_CLOEXEC);
	fake_add_ends();
	hears(fd, "\"return\"");
	close(fd);
	close(null);
	turn();
	ck_assert_uint_eq(count_descriptors(), descriptors);
}
END_TEST

START_TEST(two_at_once_are_refused)
{
	unsigned int descriptors = count_descriptors();
	int fd = negotiated(), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int two[] = {null, null};

	pass(fd, GETFD("both"), two, 2);
	hears(fd, "several descriptors came with it");
	close(fd);
	close(null);
	turn();
	ck_assert_uint_eq(count_descriptors(), descriptors);
}
END_TEST

START_TEST(a_descriptor_without_room_is_told)
{
	struct rlimit limit, few;
	int fd = negotiated(), null = open("/dev/null", O_RDWR | O_CLOEXEC);

	getrlimit(RLIMIT_NOFILE, &limit);
	few = limit;
	few.rlim_cur = (rlim_t)null + 1;
	setrlimit(RLIMIT_NOFILE, &few);
	pass(fd, GETFD("node"), &null, 1);
	setrlimit(RLIMIT_NOFILE, &limit);
	hears(fd, "the descriptor that came could not be taken");
	pass(fd, GETFD("node"), &null, 1);
	ck_assert_str_eq(hear_all(fd), "{\"return\": {}}\r\n");
	close(fd);
	close(null);
}
END_TEST

static sem_t answer;

static void look_long(void *owner)
{
	(void)owner;
	while (sem_wait(&answer))
		;
}

static void end_look(void *owner)
{
	(void)owner;
}

/* Each might be one more whose close nobody waits for. */
START_TEST(none_is_taken_where_too_many_wait)
{
	int fd = negotiated(), null = open("/dev/null", O_RDWR | O_CLOEXEC);

	sem_init(&answer, 0, 0);
	ck_assert_int_eq(thread_begin_starter(NULL), 0);
	thread_use_starter();
	while (files_have_room())
		ck_assert_int_eq(files_look_within(look_long, end_look, NULL, 1), -ETIMEDOUT);
	pass(fd, GETFD("a"), &null, 1);
	hears(fd, "of a file server that does not answer");
	for (unsigned int i = 0; i < FILES_WAITING_MAX; i++)
		sem_post(&answer);
	for (unsigned int i = 0; !files_have_room() && i < 20000; i++)
		usleep(1000);
	pass(fd, GETFD("a"), &null, 1);
	hears(fd, "\"return\"");
	thread_end_starter();
	close(fd);
	close(null);
}
END_TEST

START_TEST(who_waits_for_an_answer_keeps_nobody_waiting)
{
	int fd = negotiated(), other = negotiated();

	say(fd, ADD "{\"execute\": \"stop\"}");
	say(fd, "{\"execute\": \"cont\"}");
	ck_assert_str_eq(hear_all(fd), "(nothing)");
	ck_assert_uint_eq(fake_machine.stops, 0);
	say(other, "{\"execute\": \"query-status\"}");
	hears(other, "\"running\": true");
	/* It hears of events meanwhile. */
	control_tell_power_down(control);
	hears_event(fd, "POWERDOWN", NULL);
	hears_event(other, "POWERDOWN", NULL);
	fake_add_ends();
	/* What was behind it is not carried out under whoever ended it. */
	ck_assert_uint_eq(fake_machine.stops, 0);
	ck_assert_str_eq(hear_all(fd), "{\"return\": {}}\r\n");
	turn();
	ck_assert_str_eq(hear_all(fd), "{\"return\": {}}\r\n{\"return\": {}}\r\n");
	ck_assert_uint_eq(fake_machine.stops, 1);
	ck_assert_uint_eq(fake_machine.goes, 1);
	fake_machine.at_once = true;
	fake_machine.flaw = "no slot is free";
	say(fd, ADD "{\"execute\": \"stop\"}");
	hears(fd, "no slot is free\"}}\r\n{\"return\": {}}\r\n");
	close(fd);
	close(other);
}
END_TEST

START_TEST(what_a_client_began_goes_on_without_it)
{
	unsigned int descriptors = count_descriptors();
	int fd = negotiated();

	say(fd, ADD "{\"execute\": \"stop\"}");
	close(fd);
	turn();
	fake_add_ends();
	turn();
	ck_assert_uint_eq(fake_machine.adds, 1);
	ck_assert_uint_eq(fake_machine.stops, 1);
	ck_assert_uint_eq(count_descriptors(), descriptors);
	/* Nor does one that is thrown out before the end. */
	fd = negotiated();
	say(fd, ADD);
	for (unsigned int i = 0; i < 20000; i++)
		control_tell_reset(control, CONTROL_HOST_RESET);
	turn();
	fake_add_ends();
	close(fd);
	turn();
	ck_assert_uint_eq(count_descriptors(), descriptors);
}
END_TEST

/* The end of a run ends what is under way, and nothing more is begun. */
START_TEST(who_waits_at_the_end_is_answered)
{
	int fd = negotiated(), left = negotiated();

	say(fd, ADD "{\"execute\": \"stop\"}");
	control_close(control);
	fake_machine.flaw = "the run ends";
	fake_add_ends();
	hears(fd, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"the run ends\"}}");
	turn();
	ck_assert_uint_eq(fake_machine.stops, 0);
	ck_assert_str_eq(hear_all(fd), "(nothing)");
	/* One that is never ended does not reach for what is gone. */
	control_destroy(control);
	control = NULL;
	ck_assert_str_eq(hear_all(fd), "");
	close(fd);
	close(left);
}
END_TEST

START_TEST(a_wait_outlives_the_socket)
{
	int fd = negotiated();

	say(fd, ADD);
	control_destroy(control);
	control = NULL;
	ck_assert_str_eq(hear_all(fd), "");
	fake_add_ends();
	close(fd);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, who_does_not_read_is_dropped);
	tcase_add_test(tests, who_asks_without_reading_is_not_listened_to);
	tcase_add_test(tests, last_words_are_answered);
	tcase_add_test(tests, those_of_who_is_gone_are_carried_out);
	tcase_add_test(tests, who_pipelines_is_answered_as_it_reads);
	tcase_add_test(tests, a_refusal_that_ends_it_is_still_told);
	tcase_add_test(tests, descriptors_come_with_requests);
	if (cut_descriptors_are_told("two_at_once_are_refused"))
		tcase_add_test(tests, two_at_once_are_refused);
	tcase_add_test(tests, a_descriptor_without_room_is_told);
	tcase_add_test(tests, none_is_taken_where_too_many_wait);
	tcase_add_test(tests, who_waits_for_an_answer_keeps_nobody_waiting);
	tcase_add_test(tests, what_a_client_began_goes_on_without_it);
	tcase_add_test(tests, who_waits_at_the_end_is_answered);
	tcase_add_test(tests, a_wait_outlives_the_socket);
}

int main(void)
{
	return run_suite("client", add_tests);
}
