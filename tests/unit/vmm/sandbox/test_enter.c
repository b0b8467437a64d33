/* SPDX-License-Identifier: BSD-3-Clause */
/* A process in its filters: what is refused ends the run, or is told, and all else goes on. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/support/suite.h"
#include "vmm/base/fd.h"
#include "vmm/base/log.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/sandbox/variant.h"

static struct err err;
static int wake, said[2];
static void (*prepare)(void); /* before there are walls */

static void need(bool holds, int number)
{
	if (!holds)
		_exit(number);
}

/* In a process of its own, whose status it is; what it says is in @text. */
static int status_of(void (*body)(void), enum sandbox_mode mode, char text[1024])
{
	struct sandbox_settings settings = {.mode = mode};
	ssize_t n;
	pid_t child;
	int status;

	ck_assert_int_eq(pipe(said), 0);
	wake = fd_eventfd();
	child = fork();
	if (child == 0) {
		settings.wake = wake;
		dup2(said[1], STDERR_FILENO);
		if (prepare)
			prepare();
		need(sandbox_drop(&settings, &err) == 0, 101);
		need(sandbox_begin(&settings, &err) == 0, 102);
		sandbox_close();
		body();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	close(said[1]);
	n = read(said[0], text, 1023);
	text[n > 0 ? n : 0] = '\0';
	close(said[0]);
	close(wake);
	return status;
}

static void make_a_socket(void)
{
	need(socket(AF_INET, SOCK_STREAM, 0) == -1, 1);
	need(errno == EPERM, 2);
	need(fd_take(wake), 3);
	need(sandbox_refused(&err) == -EPERM, 4);
	need(strstr(err.text, "the main thread made") && strstr(err.text, " socket:"), 5);
	/* It goes on to give everything back. */
	need(!fd_take(wake), 6);
}

static void *map_dma(void *argument)
{
	struct vfio_iommu_type1_dma_map map = {.argsz = sizeof(map)};

	need(ioctl(wake, VFIO_IOMMU_MAP_DMA, &map) == -1, 11);
	*(int *)argument = errno;
	return NULL;
}

static void map_from_a_vcpu(void)
{
	pthread_t thread;
	int code = 0;

	need(thread_create(&thread, THREAD_MAPPER, map_dma, &code) == 0, 12);
	pthread_join(thread, NULL);
	/* By the kernel, which it came to. */
	need(code == ENOTTY, 13);
	need(sandbox_refused(&err) == 0, 14);
	need(thread_call(THREAD_MAPPER, map_dma, &code) == 0, 15);
	need(code == ENOTTY, 16);
	need(thread_create(&thread, THREAD_VCPU, map_dma, &code) == 0, 17);
	pthread_join(thread, NULL);
	need(code == EPERM, 18);
	need(sandbox_refused(&err) == -EPERM, 19);
	need(strstr(err.text, "the vcpu thread") && strstr(err.text, "ioctl 0x3b71:"), 20);
}

/* What a build for use goes on behind ends one with sanitizers, which says why. */
static void check(void (*body)(void), const char *what)
{
	char text[1024];
	int status = status_of(body, SANDBOX_ON, text);

	if (variant_ends_at_once()) {
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%d", status);
		ck_assert_msg(strstr(text, what), "%s", text);
	} else {
		ck_assert_msg(status == 0, "0x%x: %s", (unsigned int)status, text);
	}
}

START_TEST(what_is_refused_ends_the_run)
{
	check(make_a_socket, "main thread: socket is refused");
}
END_TEST

START_TEST(a_vcpu_maps_nothing)
{
	check(map_from_a_vcpu, "vcpu thread: ioctl 0x3b71 is refused");
}
END_TEST

static void make_two_sockets(void)
{
	int pair[2] = {-1, -1};

	need(socket(AF_UNIX, SOCK_STREAM, 0) >= 0, 1);
	need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, 2);
	need(write(pair[0], "x", 1) == 1, 3);
	need(socket(AF_UNIX, SOCK_STREAM, 0) >= 0, 4);
	need(socket(-1, SOCK_STREAM, 0) == -1 && errno != EPERM, 5);
	need(sandbox_refused(&err) == 0, 6);
}

START_TEST(log_lets_and_tells_once)
{
	char text[1024], *line;
	int status = status_of(make_two_sockets, SANDBOX_LOG, text);

	ck_assert_msg(status == 0, "0x%x: %s", (unsigned int)status, text);
	line = strstr(text, "main thread: socket would be refused\n");
	ck_assert_msg(line, "%s", text);
	ck_assert_ptr_null(strstr(line + 16, "socket would"));
	ck_assert_ptr_nonnull(strstr(text, "main thread: socketpair would be refused\n"));
}
END_TEST

static void work(void)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *block = malloc(1 << 20);

	need(page != MAP_FAILED && block, 1);
	block = realloc(block, 1 << 24);
	need(block, 2);
	free(block);
	munmap(page, 4096);
	thread_signal(thread_number(), SIGWINCH);
	poll(NULL, 0, 1);
	need(sandbox_refused(&err) == 0, 3);
	thread_end_starter();
}

START_TEST(work_goes_on)
{
	char text[1024];
	int status = status_of(work, SANDBOX_ON, text);

	ck_assert_msg(status == 0, "0x%x: %s", (unsigned int)status, text);
	ck_assert_str_eq(text, "");
}
END_TEST

/* Where standard error goes to: nobody reads it. */
static enum { TO_PIPE, TO_SOCKET, TO_TERMINAL, READERS } reader;
static int ends[2];

static void prepare_reader(void)
{
	struct loop *loop = loop_create(&err);

	if (reader == TO_PIPE)
		need(pipe(ends) == 0, 31);
	else if (reader == TO_SOCKET)
		need(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, 32);
	else
		need((ends[1] = posix_openpt(O_RDWR | O_NOCTTY)) >= 0, 33);
	need(loop && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO, 34);
	log_never_wait(loop);
}

static void *say_much(void *unused)
{
	for (int i = 0; i < 400; i++)
		log_error("%0800d", i);
	return unused;
}

static enum thread_kind speaker;

static void say_much_there(void)
{
	pthread_t thread;

	if (speaker == THREAD_MAIN)
		say_much(NULL);
	else if (thread_create(&thread, speaker, say_much, NULL) == 0)
		need(pthread_join(thread, NULL) == 0, 35);
	need(sandbox_refused(&err) == 0, 36);
}

START_TEST(any_thread_tells_any_reader)
{
	char text[1024];
	int status;

	reader = _i % READERS;
	speaker = (enum thread_kind)(_i / READERS);
	prepare = prepare_reader;
	status = status_of(say_much_there, SANDBOX_ON, text);
	prepare = NULL;
	ck_assert_msg(status == 0, "0x%x", (unsigned int)status);
}
END_TEST

static void ask_in_vain(void)
{
	need(faccessat(AT_FDCWD, "/dev/null", R_OK | W_OK, AT_EACCESS) < 0 && errno == EACCES, 1);
	need(open("/dev/null", O_RDWR | O_CLOEXEC) < 0 && errno == EACCES, 2);
	need(sandbox_refused(&err) == 0, 3);
}

/* A full pipe that nobody reads, and whose writer would wait. */
static void prepare_full_pipe(void)
{
	static const char page[4096];

	need(pipe(ends) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0, 41);
	while (write(ends[1], page, sizeof(page)) > 0)
		;
	need(fcntl(ends[1], F_SETFL, 0) == 0, 42);
	need(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO, 43);
}

static void be_told_of(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	need(fd >= 0, 44);
}

START_TEST(log_waits_for_no_reader)
{
	char text[1024];
	int status;

	prepare = prepare_full_pipe;
	status = status_of(be_told_of, SANDBOX_LOG, text);
	prepare = NULL;
	ck_assert_msg(status == 0, "0x%x", (unsigned int)status);
}
END_TEST

START_TEST(asking_in_vain_ends_nothing)
{
	char text[1024];
	int status = status_of(ask_in_vain, SANDBOX_ON, text);

	ck_assert_msg(status == 0, "0x%x: %s", (unsigned int)status, text);
}
END_TEST

/* A kernel, or an emulator of one, without filters has nothing to try. */
static void add_tests(TCase *tests)
{
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
		return;
	tcase_add_test(tests, what_is_refused_ends_the_run);
	tcase_add_test(tests, a_vcpu_maps_nothing);
	tcase_add_loop_test(tests, any_thread_tells_any_reader, 0, READERS * THREAD_FILES);
	tcase_add_test(tests, log_waits_for_no_reader);
	tcase_add_test(tests, asking_in_vain_ends_nothing);
	tcase_add_test(tests, log_lets_and_tells_once);
	tcase_add_test(tests, work_goes_on);
}

int main(void)
{
	return run_suite("enter", add_tests);
}
