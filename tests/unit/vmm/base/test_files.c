/* SPDX-License-Identifier: BSD-3-Clause */
/* Files are looked at by the caller, or by a thread of the kind that may. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/support/scratch.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/clock.h"
#include "vmm/base/files.h"
#include "vmm/base/thread.h"

static char folder[] = "/tmp/ferry-files-XXXXXX";
static atomic_uint begun;

static void enter(enum thread_kind kind)
{
	atomic_fetch_add(&begun, kind == THREAD_FILES);
}

/* Half of the tests have a starter, which is asked for so many threads. */
static void begin(int with_starter)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	if (!with_starter)
		return;
	ck_assert_int_eq(thread_begin_starter(enter), 0);
	thread_use_starter();
}

static void end(unsigned int wanted)
{
	thread_end_starter();
	ck_assert_uint_eq(atomic_load(&begun), wanted);
	scratch_remove(folder);
}

START_TEST(a_file_is_read_whole)
{
	static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 70000};
	static char wanted[70000], found[70001];
	char path[PATH_MAX];

	begin(_i);
	for (size_t i = 0; i < sizeof(wanted); i++)
		wanted[i] = (char)(i % 251);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/file", folder);
		file = fopen(path, "we");
		ck_assert_uint_eq(fwrite(wanted, 1, sizes[i], file), sizes[i]);
		ck_assert_int_eq(fclose(file), 0);
		file = files_open(path);
		ck_assert_ptr_nonnull(file);
		ck_assert_uint_eq(fread(found, 1, sizeof(found), file), sizes[i]);
		ck_assert_mem_eq(found, wanted, sizes[i]);
		ck_assert(feof(file) && !ferror(file));
		ck_assert_int_eq(fclose(file), 0);
	}
	end(_i ? 6 : 0);
}
END_TEST

START_TEST(what_is_not_there_is_told)
{
	char text[PATH_MAX], *names = text;

	begin(_i);
	errno = 0;
	ck_assert_ptr_null(files_open("/nonexistent/file"));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_ptr_null(files_open("/"));
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_int_eq(files_link("/nonexistent/link", text, sizeof(text)), -ENOENT);
	ck_assert_str_eq(text, "");
	ck_assert_int_eq(files_link("/", text, sizeof(text)), -EINVAL);
	ck_assert_int_eq(files_real("/nonexistent/link", text), -ENOENT);
	ck_assert_int_eq(files_check("/nonexistent"), -ENOENT);
	ck_assert_int_eq(files_list("/nonexistent", &names), -ENOENT);
	ck_assert_ptr_null(names);
	ck_assert_int_eq(files_stat(-1, &(struct stat){0}), -EBADF);
	end(_i ? 8 : 0);
}
END_TEST

START_TEST(links_are_followed_or_read)
{
	char path[PATH_MAX], text[PATH_MAX], real[PATH_MAX];

	begin(_i);
	snprintf(path, sizeof(path), "%s/link", folder);
	ck_assert_int_eq(symlink("../..", path), 0);
	ck_assert_int_eq(files_link(path, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "../..");
	/* As much as there is room for. */
	ck_assert_int_eq(files_link(path, text, 4), 0);
	ck_assert_str_eq(text, "../");
	ck_assert_int_eq(files_real(path, text), 0);
	ck_assert_ptr_nonnull(realpath(path, real));
	ck_assert_str_eq(text, real);
	ck_assert_int_eq(files_check(path), 0);
	end(_i ? 4 : 0);
}
END_TEST

START_TEST(a_folder_is_listed_once)
{
	static const char *const made[] = {"one", "two", ".hidden", "three"};
	char path[PATH_MAX], *names;
	unsigned int seen = 0;

	begin(_i);
	ck_assert_int_eq(files_list(folder, &names), 0);
	ck_assert_ptr_null(files_next(names, NULL));
	free(names);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, made[i]);
		ck_assert_int_eq(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	}
	ck_assert_int_eq(files_list(folder, &names), 0);
	for (const char *name = NULL; (name = files_next(names, name));)
		for (unsigned int i = 0; i < 4; i++)
			seen += strcmp(name, made[i]) == 0 ? 1U << 8 * i : 0;
	ck_assert_uint_eq(seen, 0x01000101);
	free(names);
	end(_i ? 2 : 0);
}
END_TEST

static void look_at_two(void *owner)
{
	struct stat *status = owner;

	ck_assert_int_eq(files_check("/"), 0);
	ck_assert_int_eq(files_stat(STDERR_FILENO, status), 0);
}

START_TEST(what_belongs_together_is_one_threads)
{
	struct stat status = {0}, wanted;

	begin(_i);
	ck_assert_int_eq(files_look(look_at_two, &status), 0);
	ck_assert_int_eq(fstat(STDERR_FILENO, &wanted), 0);
	ck_assert_uint_eq(status.st_ino, wanted.st_ino);
	end(_i ? 1 : 0);
}
END_TEST

/* The close of the socket waits for a reader who does not come, for two seconds. */
static int make_slow_to_close(int *other)
{
	static const struct linger wait = {1, 2};
	static const char bytes[65536];
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, size), 0);
	*other = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(*other, 0);
	close(listener);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof(wait)), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	return fd;
}

START_TEST(a_close_that_waits_keeps_nobody)
{
	int other, fd = make_slow_to_close(&other), closed = fd;
	int64_t since = clock_now_ms();

	begin(1);
	files_close(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_lt(clock_now_ms() - since, 1500);
	for (unsigned int i = 0; fcntl(closed, F_GETFD) >= 0 && i < 20000; i++)
		usleep(1000);
	ck_assert_int_lt(fcntl(closed, F_GETFD), 0);
	close(other);
	files_close(&fd);
	end(1);
}
END_TEST

static sem_t answer;
static atomic_uint looked, ended;

static void look_long(void *owner)
{
	(void)owner;
	while (sem_wait(&answer))
		;
	atomic_fetch_add(&looked, 1);
}

static void end_look(void *owner)
{
	ck_assert_ptr_eq(owner, &answer);
	atomic_fetch_add(&ended, 1);
}

/* They end by themselves, and there may be so many. */
START_TEST(looks_are_left_behind)
{
	begin(1);
	sem_init(&answer, 0, 0);
	for (unsigned int i = 0; i < FILES_WAITING_MAX; i++) {
		ck_assert(files_have_room());
		ck_assert_int_eq(files_look_within(look_long, end_look, &answer, 1), -ETIMEDOUT);
	}
	ck_assert(!files_have_room());
	ck_assert_int_eq(files_look_within(look_long, end_look, &answer, 1), -EBUSY);
	ck_assert_uint_eq(atomic_load(&looked) + atomic_load(&ended), 0);
	for (unsigned int i = 0; i < FILES_WAITING_MAX; i++)
		sem_post(&answer);
	for (unsigned int i = 0; atomic_load(&ended) < FILES_WAITING_MAX && i < 20000; i++)
		usleep(1000);
	ck_assert_uint_eq(atomic_load(&ended), FILES_WAITING_MAX);
	for (unsigned int i = 0; !files_have_room() && i < 20000; i++)
		usleep(1000);
	/* One that is done in time is nobody's but the caller's. */
	sem_post(&answer);
	ck_assert_int_eq(files_look_within(look_long, end_look, &answer, 20000), 0);
	ck_assert_uint_eq(atomic_load(&looked), FILES_WAITING_MAX + 1);
	ck_assert_uint_eq(atomic_load(&ended), FILES_WAITING_MAX);
	end(FILES_WAITING_MAX + 1);
}
END_TEST

START_TEST(without_a_starter_the_caller_closes)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), closed = fd;

	files_close(&fd);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_lt(fcntl(closed, F_GETFD), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_close_that_waits_keeps_nobody);
	tcase_add_test(tests, looks_are_left_behind);
	tcase_add_test(tests, without_a_starter_the_caller_closes);
	tcase_add_loop_test(tests, a_file_is_read_whole, 0, 2);
	tcase_add_loop_test(tests, what_is_not_there_is_told, 0, 2);
	tcase_add_loop_test(tests, links_are_followed_or_read, 0, 2);
	tcase_add_loop_test(tests, a_folder_is_listed_once, 0, 2);
	tcase_add_loop_test(tests, what_belongs_together_is_one_threads, 0, 2);
}

int main(void)
{
	return run_suite("files", add_tests);
}
