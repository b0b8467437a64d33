/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket: its name, who is let in, several clients at a time. */

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/support/log.h"
#include "tests/unit/vmm/control/test_server.h"
#include "vmm/runtime.h"

enum { CLIENTS_MOST = 16 };

START_TEST(addresses_are_checked)
{
	char text[200] = "unix:";

	ck_assert_int_eq(control_check_address("unix:a b", &err), 0);
	err = (struct err){0};
	ck_assert_int_eq(control_check_address("1234", &err), -EINVAL);
	ck_assert_str_eq(err.text, "'1234': it takes unix:PATH or fd=N");
	ck_assert_int_eq(control_check_address("unix:", &err), -EINVAL);
	ck_assert_str_eq(err.text, "'unix:': no path: give one, such as /run/guest.sock");
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

/* Its name is whose it was. */
START_TEST(a_socket_that_listens_already)
{
	int given = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char number[16];
	struct sockaddr_un at;

	control_destroy(control);
	ck_assert_int_eq(local_address(path, &at, &err), 0);
	ck_assert_int_eq(bind(given, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(given, 4), 0);
	snprintf(number, sizeof(number), "fd=%d", given);
	ck_assert_int_eq(control_check_address(number, &err), 0);
	control = control_create(number, loop, &fake_target, &err);
	ck_assert_msg(control, "%s", err.text);
	close(negotiated());
	control_destroy(control);
	control = NULL;
	ck_assert_int_eq(fcntl(given, F_GETFD), -1);
	ck_assert_int_eq(access(path, F_OK), 0);
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

START_TEST(without_a_folder_for_lists_it_serves)
{
	char missing[PATH_MAX];
	const char *said;

	control_destroy(control);
	snprintf(missing, sizeof(missing), "%s/missing", folder);
	setenv("XDG_RUNTIME_DIR", missing, 1);
	fake_target.run_folder = missing;
	hear();
	control = control_create(address, loop, &fake_target, &err);
	fake_target.run_folder = NULL;
	ck_assert_msg(control, "%s", err.text);
	said = heard();
	ck_assert_msg(strstr(said, "ferry list will not show it: ") &&
			      strstr(said, "/missing/ferry: No such file or directory"),
		      "%s", said);
	close(negotiated());
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
	tcase_add_test(tests, a_socket_that_listens_already);
	tcase_add_test(tests, a_live_socket_is_not_taken);
	tcase_add_test(tests, several_clients_are_served);
	tcase_add_test(tests, a_client_too_many_is_shut_out);
	tcase_add_test(tests, without_descriptors_clients_wait);
	tcase_add_test(tests, it_is_listed_while_it_is_there);
	tcase_add_test(tests, without_a_folder_for_lists_it_serves);
	tcase_add_test(tests, clients_stay_until_the_end);
	tcase_add_test(tests, nothing_is_left);
}

int main(void)
{
	return run_suite("server", add_tests);
}
