/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets with names: whose they are, what is replaced, and what is not. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/log.h"
#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/fd.h"
#include "vmm/base/local.h"

static char folder[32], path[64];
static struct sockaddr_un address;
static struct local_name name;
static struct err err;
static int fd;

static int stream(void)
{
	int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(made, 0);
	return made;
}

static void set_up(void)
{
	snprintf(folder, sizeof(folder), "/tmp/ferry-local-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	ck_assert_int_eq(local_address(path, &address, &err), 0);
	name = (struct local_name){0};
	fd = stream();
}

static void tear_down(void)
{
	fd_close(&fd);
	scratch_remove(folder);
}

static void bound(void)
{
	ck_assert_msg(local_bind(fd, &address, 4, &name, &err) == 0, "%s", err.text);
	ck_assert_int_eq(listen(fd, 1), 0);
}

static void refused(int code, const char *text)
{
	err = (struct err){0};
	ck_assert_int_eq(local_bind(fd, &address, 4, &name, &err), code);
	ck_assert_msg(strstr(err.text, text), "%s", err.text);
	ck_assert(!name.made);
}

START_TEST(paths_have_their_length)
{
	char text[200] = "";

	ck_assert_int_eq(local_address("", &address, &err), -EINVAL);
	memset(text, 'p', sizeof(address.sun_path) - 1);
	ck_assert_int_eq(local_address(text, &address, &err), 0);
	ck_assert_str_eq(address.sun_path, text);
	strcat(text, "p");
	ck_assert_int_eq(local_address(text, &address, &err), -EINVAL);
	ck_assert(strstr(err.text, "at most 107 bytes"));
}
END_TEST

START_TEST(it_is_listened_at_at_once)
{
	int client;

	ck_assert_int_eq(local_bind(fd, &address, 4, &name, &err), 0);
	client = local_connect(&address, 0);
	ck_assert_int_ge(client, 0);
	fd_close(&client);
}
END_TEST

START_TEST(a_socket_is_its_owners_and_goes_with_it)
{
	struct stat file;

	bound();
	ck_assert_int_eq(lstat(path, &file), 0);
	ck_assert_uint_eq(file.st_mode, S_IFSOCK | 0600);
	local_unbind(&name);
	ck_assert_int_eq(access(path, F_OK), -1);
	local_unbind(&name);
}
END_TEST

START_TEST(one_that_was_left_is_replaced)
{
	const char *said;

	hear();
	bound();
	ck_assert_str_eq(heard(), "");
	fd_close(&fd);
	fd = stream();
	hear();
	bound();
	said = heard();
	ck_assert_msg(strstr(said, "the socket of a run that was killed is replaced"), "%s", said);
	ck_assert(strstr(said, path));
	local_unbind(&name);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(a_name_that_is_anothers_by_now_stays)
{
	struct local_name first;
	int first_fd = fd;

	bound();
	first = name;
	ck_assert_int_eq(unlink(path), 0);
	fd = stream();
	bound();
	local_unbind(&first);
	ck_assert_int_eq(access(path, F_OK), 0);
	local_unbind(&name);
	ck_assert_int_eq(access(path, F_OK), -1);
	fd_close(&first_fd);
}
END_TEST

/* Another user by then, who may not write to the folder, or not even look into it. */
START_TEST(one_that_cannot_be_removed_is_told)
{
	const char *said;

	bound();
	if (geteuid() != 0 || chmod(folder, _i ? 0700 : 0755) || seteuid(1))
		return;
	hear();
	local_unbind(&name);
	said = heard();
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_msg(strstr(said, path) && strstr(said, "is left: Permission denied"), "%s", said);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(one_that_somebody_listens_at_is_not)
{
	int first = fd;

	bound();
	name.made = false;
	fd = stream();
	refused(-EADDRINUSE, "another program listens there: give another path");
	fd_close(&first);
	bound();
}
END_TEST

/* Another looks at the same name meanwhile. */
START_TEST(two_do_not_take_a_name_at_once)
{
	int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), status;
	pid_t child;

	ck_assert_int_eq(flock(lock, LOCK_EX), 0);
	child = fork();
	if (child == 0) {
		fd_close(&lock);
		_exit(local_bind(fd, &address, 4, &name, &err) ? 1 : 0);
	}
	usleep(20000);
	ck_assert_int_eq(access(path, F_OK), -1);
	flock(lock, LOCK_UN);
	fd_close(&lock);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_folder_that_stays_locked_is_done_without)
{
	int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(flock(lock, LOCK_EX), 0);
	bound();
	local_unbind(&name);
	fd_close(&lock);
}
END_TEST

START_TEST(nor_is_what_is_no_socket)
{
	int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	fd_close(&file);
	refused(-EEXIST, "something else than a socket");
	ck_assert_int_eq(unlink(path), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/none/socket", folder);
	refused(-ENOENT, "cannot be made: No such file");
}
END_TEST

START_TEST(who_connects_is_looked_at)
{
	int client, server;

	ck_assert_int_eq(local_connect(&address, 0), -ENOENT);
	bound();
	client = local_connect(&address, 0);
	ck_assert_int_ge(client, 0);
	ck_assert_int_eq(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(client, F_GETFD), FD_CLOEXEC);
	server = accept(fd, NULL, NULL);
	ck_assert_int_eq(local_check_peer(server), 0);
	ck_assert_int_eq(local_check_process(client, getpid()), 0);
	ck_assert_int_eq(local_check_process(client, getppid()), -ESRCH);
	ck_assert_int_eq(local_check_peer(STDIN_FILENO) < 0, 1);
	fd_close(&client);
	fd_close(&server);
	client = local_connect(&address, SOCK_NONBLOCK);
	ck_assert_int_ne(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
	fd_close(&client);
	fd_close(&fd);
	ck_assert_int_eq(local_connect(&address, 0), -ECONNREFUSED);
}
END_TEST

START_TEST(what_is_no_socket_is_known)
{
	ck_assert(!local_is_other(path));
	bound();
	ck_assert(!local_is_other(path));
	ck_assert(local_is_other(folder));
	ck_assert(local_is_other("/dev/null"));
	fd_close(&fd);
}
END_TEST

/* What is wrong with a server that cannot be reached, and what to do about it. */
START_TEST(a_server_is_reached_or_it_is_told_why)
{
	int client, waiting = -1;

	ck_assert_int_eq(local_reach_first(path, 0, &err), -ENOENT);
	ck_assert_str_eq(err.text,
			 "No such file or directory: no server listens there: start it first");
	ck_assert_int_eq(local_reach_first("", 0, &err), -EINVAL);
	bound();
	client = local_reach_first(path, SOCK_NONBLOCK, &err);
	ck_assert_int_ge(client, 0);
	ck_assert_int_ne(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
	/* As many as may wait do. */
	while ((waiting = local_reach_first(path, SOCK_NONBLOCK, &err)) >= 0)
		continue;
	ck_assert_int_eq(waiting, -EAGAIN);
	ck_assert_ptr_nonnull(strstr(err.text, "it has another client, or hangs"));
	fd_close(&client);
	fd_close(&fd);
	ck_assert_int_eq(local_reach_first(path, 0, &err), -ECONNREFUSED);
	ck_assert_ptr_nonnull(strstr(err.text, "start it first"));
	ck_assert_int_eq(local_reach_first("/dev/null", 0, &err), -ENOTSOCK);
}
END_TEST

/* What it has of the guest's another user's does not get. */
START_TEST(a_server_stays_one_users)
{
	uid_t user = (uid_t)-1;
	int client;

	ck_assert_int_eq(local_reach_server(path, &user, &err), -ENOENT);
	ck_assert_uint_eq(user, (uid_t)-1);
	bound();
	client = local_reach_server(path, &user, &err);
	ck_assert_int_ge(client, 0);
	ck_assert_uint_eq(user, geteuid());
	fd_close(&client);
	close(accept(fd, NULL, NULL));
	client = local_reach_server(path, &user, &err);
	ck_assert_int_ge(client, 0);
	ck_assert_int_ne(fcntl(client, F_GETFL) & O_NONBLOCK, 0);
	fd_close(&client);
	close(accept(fd, NULL, NULL));
	user++;
	ck_assert_int_eq(local_reach_server(path, &user, &err), -EPERM);
	ck_assert_ptr_nonnull(strstr(err.text, "start it as that one was"));
}
END_TEST

/* The kernel keeps who connected as who it was then. Only root can be another for a while. */
START_TEST(another_user_is_not_let_in)
{
	int client, server;

	bound();
	if (geteuid() != 0 || seteuid(1))
		return;
	/* The socket's mode is for the file's owner; here it stands open. */
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(chmod(folder, 0755) || chmod(path, 0666), 0);
	ck_assert_int_eq(seteuid(1), 0);
	client = local_connect(&address, 0);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_ge(client, 0);
	server = accept(fd, NULL, NULL);
	ck_assert_int_eq(local_check_peer(server), -EPERM);
	ck_assert_int_eq(local_check_process(server, getpid()), -EPERM);
	fd_close(&client);
	fd_close(&server);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, paths_have_their_length);
	tcase_add_test(tests, it_is_listened_at_at_once);
	tcase_add_test(tests, a_socket_is_its_owners_and_goes_with_it);
	tcase_add_test(tests, one_that_was_left_is_replaced);
	tcase_add_test(tests, a_name_that_is_anothers_by_now_stays);
	tcase_add_loop_test(tests, one_that_cannot_be_removed_is_told, 0, 2);
	tcase_add_test(tests, one_that_somebody_listens_at_is_not);
	tcase_add_test(tests, two_do_not_take_a_name_at_once);
	tcase_add_test(tests, a_folder_that_stays_locked_is_done_without);
	tcase_add_test(tests, nor_is_what_is_no_socket);
	tcase_add_test(tests, who_connects_is_looked_at);
	tcase_add_test(tests, what_is_no_socket_is_known);
	tcase_add_test(tests, a_server_is_reached_or_it_is_told_why);
	tcase_add_test(tests, a_server_stays_one_users);
	tcase_add_test(tests, another_user_is_not_let_in);
}

int main(void)
{
	return run_suite("local", add_tests);
}
