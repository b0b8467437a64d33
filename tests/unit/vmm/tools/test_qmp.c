/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's side of the control socket: answers, events, and ends. */

#include <fcntl.h>
#include <poll.h>

#include "tests/unit/support/fake_qmp.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/suite.h"
#include "vmm/tools/qmp.h"

static struct qmp qmp;
static struct err err;
static json_t *answer;

static void connected(const char *const *said)
{
	fake_qmp_start(said);
	ck_assert_msg(qmp_open(&qmp, fake_qmp.path, QMP_FOR_EVER, &err) == 0, "%s", err.text);
}

static void closed(void)
{
	qmp_close(&qmp);
	fake_qmp_stop();
}

START_TEST(answers_come_past_events)
{
	static const char *const said[] = {
		QMP_HELLO, QMP_DONE,
		"{\"event\": \"STOP\"}\n{\"return\": {\"a\": 1}}\n{\"event\": \"RESUME\"}\n",
		"{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\n", NULL};

	connected(said);
	ck_assert_int_eq(qmp_execute(&qmp, "query-a", &answer, &err), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "a")), 1);
	json_decref(answer);
	ck_assert_int_eq(qmp_execute(&qmp, "b", &answer, &err), -EPROTO);
	ck_assert_str_eq(err.text, "no");
	closed();
	ck_assert_str_eq(fake_qmp.heard, "{\"execute\": \"qmp_capabilities\"}\n"
					 "{\"execute\": \"query-a\"}\n{\"execute\": \"b\"}\n");
}
END_TEST

START_TEST(events_come_until_the_end)
{
	static const char *const said[] = {
		QMP_HELLO,
		"{\"return\": {}}\n{\"event\": \"STOP\"}\n{\"x\": 1}\n{\"event\": \"A\"}\n", NULL};

	connected(said);
	ck_assert_int_eq(qmp_next_event(&qmp, &answer, &err), 0);
	ck_assert_str_eq(json_string_value(json_object_get(answer, "event")), "STOP");
	json_decref(answer);
	ck_assert_int_eq(qmp_next_event(&qmp, &answer, &err), 0);
	json_decref(answer);
	ck_assert_int_eq(qmp_next_event(&qmp, &answer, &err), -ENODATA);
	ck_assert_int_eq(qmp_execute(&qmp, "stop", &answer, &err), -ENODATA);
	closed();
}
END_TEST

START_TEST(arguments_and_a_descriptor_go_along)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, QMP_DONE, QMP_DONE, NULL};
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	connected(said);
	ck_assert_int_eq(qmp_execute_with(&qmp, "getfd", json_pack("{s:s}", "fdname", "a\n"), fd,
					  &answer, &err),
			 0);
	json_decref(answer);
	ck_assert_int_eq(qmp_execute_with(&qmp, "b", json_pack("{s:i}", "c", 1), -1, &answer, &err),
			 0);
	json_decref(answer);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	closed();
	ck_assert_str_eq(fake_qmp.passed, " null");
	ck_assert_str_eq(fake_qmp.heard,
			 "{\"execute\": \"qmp_capabilities\"}\n"
			 "{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"a\\n\"}}\n"
			 "{\"execute\": \"b\", \"arguments\": {\"c\": 1}}\n");
}
END_TEST

/* An event may be told before the answer to what brought it about. */
START_TEST(events_before_an_answer_may_be_kept)
{
	static const char *const said[] = {
		QMP_HELLO, QMP_DONE,
		"{\"event\": \"A\"}\n{\"event\": \"B\"}\n{\"return\": {}}\n{\"event\": \"C\"}\n",
		NULL};
	static const char *const names[] = {"A", "B", "C"};

	connected(said);
	qmp.keeps_events = true;
	ck_assert_int_eq(qmp_execute(&qmp, "a", &answer, &err), 0);
	json_decref(answer);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_int_eq(qmp_next_event(&qmp, &answer, &err), 0);
		ck_assert_str_eq(json_string_value(json_object_get(answer, "event")), names[i]);
		json_decref(answer);
	}
	ck_assert_int_eq(qmp_next_event(&qmp, &answer, &err), -ENODATA);
	closed();
}
END_TEST

static void refused(const char *const *said, int code, const char *text)
{
	fake_qmp_start(said);
	err = (struct err){0};
	ck_assert_int_eq(qmp_open(&qmp, fake_qmp.path, QMP_FOR_EVER, &err), code);
	ck_assert_msg(strstr(err.text, fake_qmp.path) == err.text, "%s", err.text);
	ck_assert_msg(strstr(err.text, text), "%s", err.text);
	fake_qmp_stop();
}

START_TEST(what_is_no_monitor_is_told)
{
	static const char *const mute[] = {"", NULL};
	static const char *const http[] = {"HTTP/1.1 400 Bad Request\r\n", NULL};
	static const char *const other[] = {"{\"hello\": 1}\n", NULL};
	static const char *const list[] = {"[1]\n", NULL};
	static const char *const number[] = {"7\n", NULL};
	static const char *const unwilling[] = {QMP_HELLO, "{\"error\": {}}\n", NULL};

	refused(mute, -ENODATA, "it let nobody in");
	refused(http, -EPROTO, "does not speak QMP");
	refused(other, -EPROTO, "does not speak QMP");
	refused(list, -EPROTO, "does not speak QMP");
	refused(number, -EPROTO, "does not speak QMP");
	refused(unwilling, -EPROTO, "it refuses");
}
END_TEST

START_TEST(what_has_no_end_is_told_at_once)
{
	static const char *const banner[] = {"220 ready", NULL};

	fake_qmp_hangs = true;
	refused(banner, -EPROTO, "does not speak QMP");
}
END_TEST

START_TEST(nobody_is_told)
{
	static const char *const said[] = {"", NULL};

	fake_qmp_start(said);
	shutdown(fake_qmp.fd, SHUT_RDWR);
	pthread_join(fake_qmp.thread, NULL);
	fd_close(&fake_qmp.fd);
	ck_assert_int_eq(qmp_open(&qmp, fake_qmp.path, QMP_FOR_EVER, &err), -ECONNREFUSED);
	ck_assert_msg(strstr(err.text, "no monitor listens there any more"), "%s", err.text);
	scratch_remove(fake_qmp.folder);
	ck_assert_int_eq(qmp_open(&qmp, fake_qmp.path, QMP_FOR_EVER, &err), -ENOENT);
	ck_assert_msg(strstr(err.text, "--control unix:PATH"), "%s", err.text);
	ck_assert_int_eq(qmp_open(&qmp, "", QMP_FOR_EVER, &err), -EINVAL);
	ck_assert_str_eq(err.text, "'': give the PATH of a run's --control unix:PATH");
}
END_TEST

/* A list of monitors keeps what is none: it is somebody else's. */
START_TEST(what_is_no_socket_is_told)
{
	struct sockaddr_un address;
	struct err why = {0};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char folder[] = "/tmp/ferry-qmp-XXXXXX", path[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	ck_assert_int_eq(local_address(path, &address, &why), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(qmp_open(&qmp, folder, QMP_FOR_EVER, &err), -ENOTSOCK);
	ck_assert_msg(strstr(err.text, "it is no socket: give the PATH"), "%s", err.text);
	ck_assert_int_eq(qmp_open(&qmp, path, QMP_FOR_EVER, &err), -EPROTOTYPE);
	ck_assert_msg(strstr(err.text, "of another kind than a monitor's"), "%s", err.text);
	fd_close(&fd);
	scratch_remove(folder);
}
END_TEST

/* The kernel's, but that the first which ends by time ends at once. */
static bool hurried;
static int patience;

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct timespec time = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L};

	if (hurried && timeout > 0) {
		hurried = false;
		patience = timeout;
		return 0;
	}
	return ppoll(fds, count, timeout < 0 ? NULL : &time, NULL);
}

START_TEST(who_waits_for_ever_is_told)
{
	static const char *const said[] = {QMP_HELLO, QMP_DONE, NULL};
	const char *text;

	hurried = true;
	hear();
	connected(said);
	text = heard();
	ck_assert_int_eq(patience, 5000);
	ck_assert_msg(strstr(text, fake_qmp.path), "%s", text);
	ck_assert_msg(strstr(text, "it is waited for: what listens there says nothing"), "%s",
		      text);
	closed();
}
END_TEST

START_TEST(one_that_hangs_is_not_waited_for)
{
	static const char *const said[] = {QMP_HELLO, NULL};

	fake_qmp_hangs = true;
	fake_qmp_start(said);
	ck_assert_int_eq(qmp_open(&qmp, fake_qmp.path, 50, &err), -ETIMEDOUT);
	ck_assert_msg(strstr(err.text, "it does not answer"), "%s", err.text);
	fake_qmp_stop();
}
END_TEST

START_TEST(long_answers_are_read_whole)
{
	enum { LONG = 100000 };
	static char text[LONG + 64];
	static const char *const said[] = {QMP_HELLO, QMP_DONE, text, NULL};
	size_t size = (size_t)snprintf(text, sizeof(text), "{\"return\": \"");

	memset(text + size, 'x', LONG);
	strcpy(text + size + LONG, "\"}\n");
	connected(said);
	ck_assert_int_eq(qmp_execute(&qmp, "a", &answer, &err), 0);
	ck_assert_uint_eq(json_string_length(answer), LONG);
	json_decref(answer);
	closed();
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, answers_come_past_events);
	tcase_add_test(tests, events_come_until_the_end);
	tcase_add_test(tests, arguments_and_a_descriptor_go_along);
	tcase_add_test(tests, events_before_an_answer_may_be_kept);
	tcase_add_test(tests, what_is_no_monitor_is_told);
	tcase_add_test(tests, what_has_no_end_is_told_at_once);
	tcase_add_test(tests, nobody_is_told);
	tcase_add_test(tests, what_is_no_socket_is_told);
	tcase_add_test(tests, who_waits_for_ever_is_told);
	tcase_add_test(tests, one_that_hangs_is_not_waited_for);
	tcase_add_test(tests, long_answers_are_read_whole);
}

int main(void)
{
	return run_suite("qmp", add_tests);
}
