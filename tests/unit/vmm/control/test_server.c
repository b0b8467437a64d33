/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients of the control socket: several, slow ones, too many; and the events that they hear. */

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/support/fake_control.h"
#include "tests/unit/support/log.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/fd.h"
#include "vmm/base/local.h"
#include "vmm/control/control.h"
#include "vmm/runtime.h"

enum { CLIENTS_MOST = 16 };

static struct loop *loop;
static struct control *control;
static struct err err;
static int tick = -1; /* ends a turn of the loop */
static char folder[32], address[80], line[64 * 1024];
static const char *path;

static void end_turn(void *unused, uint32_t events)
{
	(void)unused;
	(void)events;
	fd_take(tick);
	loop_stop(loop);
}

/* Everything that is ready is handled, a few times over. */
static void turn(void)
{
	for (int i = 0; i < 4; i++) {
		fd_signal(tick);
		ck_assert_int_eq(loop_run(loop, &err), 0);
	}
}

static void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/ferry-control-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(address, sizeof(address), "unix:%s/socket", folder);
	path = address + 5;
	fake_machine_reset();
	loop = loop_create(&err);
	ck_assert_ptr_nonnull(loop);
	tick = fd_eventfd();
	ck_assert_int_eq(loop_add(loop, tick, EPOLLIN, end_turn, NULL, &err), 0);
	control = control_create(address, loop, &fake_target, &err);
	ck_assert_msg(control, "%s", err.text);
}

static void tear_down(void)
{
	control_destroy(control);
	loop_destroy(loop);
	fd_close(&tick);
	scratch_remove(folder);
}

static int come(void)
{
	struct sockaddr_un to;
	int fd;

	ck_assert_int_eq(local_address(path, &to, &err), 0);
	fd = local_connect(&to, SOCK_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	turn();
	return fd;
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	turn();
}

/* What has come, at most so much as `line` holds; "" at the end. */
static const char *hear_all(int fd)
{
	ssize_t n = recv(fd, line, sizeof(line) - 1, 0);

	line[n > 0 ? n : 0] = '\0';
	ck_assert(n >= 0 || errno == EAGAIN || errno == ECONNRESET);
	return n < 0 && errno == EAGAIN ? "(nothing)" : line;
}

static void hears(int fd, const char *part)
{
	hear_all(fd);
	ck_assert_msg(strstr(line, part), "no '%s' in: %s", part, line);
}

static int negotiated(void)
{
	int fd = come();

	hears(fd, "{\"QMP\": ");
	say(fd, "{\"execute\": \"qmp_capabilities\"}\n");
	ck_assert_str_eq(hear_all(fd), "{\"return\": {}}\r\n");
	return fd;
}

/* An event's line, without its time, which must be there. */
static void hears_event(int fd, const char *name, const char *data)
{
	json_t *event = json_loads(hear_all(fd), 0, NULL), *wanted;
	json_t *stamp = json_object_get(event, "timestamp");

	ck_assert_msg(event, "%s", line);
	ck_assert_str_eq(json_string_value(json_object_get(event, "event")), name);
	ck_assert_int_gt(json_integer_value(json_object_get(stamp, "seconds")), 1000000000);
	ck_assert_int_lt(json_integer_value(json_object_get(stamp, "microseconds")), 1000000);
	wanted = data ? json_loads(data, 0, NULL) : NULL;
	if (data)
		ck_assert_msg(json_equal(json_object_get(event, "data"), wanted), "%s", line);
	else
		ck_assert_ptr_null(json_object_get(event, "data"));
	json_decref(wanted);
	json_decref(event);
}

START_TEST(addresses_are_checked)
{
	char text[200] = "unix:";

	ck_assert_int_eq(control_check_address("unix:a b", &err), 0);
	err = (struct err){0};
	ck_assert_int_eq(control_check_address("1234", &err), -EINVAL);
	ck_assert_str_eq(err.text, "'1234': it takes unix:PATH");
	ck_assert_int_eq(control_check_address("unix:", &err), -EINVAL);
	ck_assert_str_eq(err.text, "'unix:': no path: give unix:PATH");
	memset(text + 5, 'p', 108);
	ck_assert_int_eq(control_check_address(text, &err), -EINVAL);
}
END_TEST

START_TEST(the_socket_is_its_owners)
{
	struct stat file;

	ck_assert_int_eq(lstat(path, &file), 0);
	ck_assert_uint_eq(file.st_mode, S_IFSOCK | 0600);
	control_destroy(control);
	control = NULL;
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(a_live_socket_is_not_taken)
{
	err = (struct err){0};
	ck_assert_ptr_null(control_create(address, loop, &fake_target, &err));
	ck_assert_int_eq(err.code, -EADDRINUSE);
	ck_assert(strstr(err.text, "--control unix:/tmp/ferry-control-") == err.text);
	ck_assert_msg(strstr(err.text, "/socket: another program listens there"), "%s", err.text);
	/* And the first still serves. */
	close(negotiated());
}
END_TEST

START_TEST(several_clients_are_served)
{
	int first = negotiated(), second = negotiated(), third = come();

	hears(third, "QMP");
	say(first, "{\"execute\": \"stop\", \"id\": 1}");
	ck_assert_str_eq(hear_all(first), "{\"return\": {}, \"id\": 1}\r\n");
	ck_assert_str_eq(hear_all(second), "(nothing)");
	control_tell_stop(control);
	hears_event(first, "STOP", NULL);
	hears_event(second, "STOP", NULL);
	/* Who has not negotiated hears nothing. */
	ck_assert_str_eq(hear_all(third), "(nothing)");
	close(first);
	turn();
	say(second, "{\"execute\": \"cont\"}");
	ck_assert_str_eq(hear_all(second), "{\"return\": {}}\r\n");
	close(second);
	close(third);
	turn();
}
END_TEST

START_TEST(events_have_their_data)
{
	int fd = negotiated();

	control_tell_resume(control);
	hears_event(fd, "RESUME", NULL);
	control_tell_power_down(control);
	hears_event(fd, "POWERDOWN", NULL);
	control_tell_reset(control, CONTROL_GUEST_RESET);
	hears_event(fd, "RESET", "{\"guest\": true, \"reason\": \"guest-reset\"}");
	control_tell_reset(control, CONTROL_HOST_RESET);
	hears_event(fd, "RESET", "{\"guest\": false, \"reason\": \"host-qmp-system-reset\"}");
	control_tell_shutdown(control, CONTROL_GUEST_SHUTDOWN);
	hears_event(fd, "SHUTDOWN", "{\"guest\": true, \"reason\": \"guest-shutdown\"}");
	control_tell_shutdown(control, CONTROL_HOST_SIGNAL);
	hears_event(fd, "SHUTDOWN", "{\"guest\": false, \"reason\": \"host-signal\"}");
	control_tell_panic(control, true);
	hears_event(fd, "GUEST_PANICKED", "{\"action\": \"poweroff\"}");
	control_tell_panic(control, false);
	hears_event(fd, "GUEST_PANICKED", "{\"action\": \"pause\"}");
	close(fd);
}
END_TEST

START_TEST(without_a_socket_nobody_hears)
{
	control_tell_stop(NULL);
	control_tell_resume(NULL);
	control_tell_power_down(NULL);
	control_tell_reset(NULL, CONTROL_HOST_RESET);
	control_tell_shutdown(NULL, CONTROL_HOST_QUIT);
	control_tell_panic(NULL, true);
	control_destroy(NULL);
}
END_TEST

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

START_TEST(a_client_too_many_is_shut_out)
{
	int fds[CLIENTS_MOST + 1];

	for (unsigned int i = 0; i < CLIENTS_MOST; i++) {
		fds[i] = come();
		hears(fds[i], "QMP");
	}
	hear();
	fds[CLIENTS_MOST] = come();
	ck_assert_str_eq(hear_all(fds[CLIENTS_MOST]), "");
	ck_assert(strstr(heard(), "a client was shut out: 16 are there already"));
	close(fds[CLIENTS_MOST]);
	/* Whose place is free at once. */
	close(fds[0]);
	turn();
	fds[0] = negotiated();
	for (unsigned int i = 0; i < CLIENTS_MOST; i++)
		close(fds[i]);
	turn();
}
END_TEST

START_TEST(without_descriptors_clients_wait)
{
	struct rlimit limit, few;
	int fd;

	getrlimit(RLIMIT_NOFILE, &limit);
	few = limit;
	hear();
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	few.rlim_cur = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &few);
	{
		struct sockaddr_un to;

		ck_assert_int_eq(local_address(path, &to, &err), 0);
		ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	}
	turn();
	setrlimit(RLIMIT_NOFILE, &limit);
	ck_assert(strstr(heard(), "no client can connect: Too many open files"));
	for (int tries = 0; tries < 300 && strcmp(hear_all(fd), "(nothing)") == 0; tries++) {
		usleep(10000);
		turn();
	}
	ck_assert_msg(strstr(line, "QMP"), "%s", line);
	close(fd);
}
END_TEST

START_TEST(it_is_listed_while_it_is_there)
{
	char entry[PATH_MAX], socket[PATH_MAX] = "";

	control_destroy(control);
	setenv("XDG_RUNTIME_DIR", folder, 1);
	fake_target.run_folder = folder;
	control = control_create(address, loop, &fake_target, &err);
	fake_target.run_folder = NULL;
	ck_assert_msg(control, "%s", err.text);
	snprintf(line, sizeof(line), "%d", (int)getpid());
	ck_assert_int_eq(runtime_entry(folder, line, entry, &err), 0);
	ck_assert_int_gt(readlink(entry, socket, sizeof(socket) - 1), 0);
	ck_assert_str_eq(socket, path);
	control_destroy(control);
	control = NULL;
	ck_assert_int_eq(readlink(entry, socket, sizeof(socket)), -1);
	/* Its folders stay. */
	ck_assert_int_eq(runtime_folder(folder, entry, &err), 0);
	ck_assert_int_eq(rmdir(entry), 0);
	snprintf(entry, sizeof(entry), "%s/ferry", folder);
	(void)rmdir(entry);
}
END_TEST

START_TEST(clients_stay_until_the_end)
{
	int fd = negotiated();

	control_close(control);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_str_eq(hear_all(fd), "(nothing)");
	control_close(control);
	control_destroy(control);
	control = NULL;
	ck_assert_str_eq(hear_all(fd), "");
	control_close(NULL);
	close(fd);
}
END_TEST

START_TEST(nothing_is_left)
{
	unsigned int descriptors = count_descriptors();

	for (unsigned int i = 0; i < 50; i++) {
		int fd = i % 2 ? negotiated() : come();

		if (i % 3 == 0)
			say(fd, "{\"exec");
		close(fd);
		turn();
	}
	ck_assert_uint_eq(count_descriptors(), descriptors);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, addresses_are_checked);
	tcase_add_test(tests, the_socket_is_its_owners);
	tcase_add_test(tests, a_live_socket_is_not_taken);
	tcase_add_test(tests, several_clients_are_served);
	tcase_add_test(tests, events_have_their_data);
	tcase_add_test(tests, without_a_socket_nobody_hears);
	tcase_add_test(tests, who_does_not_read_is_dropped);
	tcase_add_test(tests, who_asks_without_reading_is_not_listened_to);
	tcase_add_test(tests, last_words_are_answered);
	tcase_add_test(tests, those_of_who_is_gone_are_carried_out);
	tcase_add_test(tests, who_pipelines_is_answered_as_it_reads);
	tcase_add_test(tests, a_refusal_that_ends_it_is_still_told);
	tcase_add_test(tests, a_client_too_many_is_shut_out);
	tcase_add_test(tests, without_descriptors_clients_wait);
	tcase_add_test(tests, it_is_listed_while_it_is_there);
	tcase_add_test(tests, clients_stay_until_the_end);
	tcase_add_test(tests, nothing_is_left);
}

int main(void)
{
	return run_suite("server", add_tests);
}
