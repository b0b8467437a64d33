/* SPDX-License-Identifier: BSD-3-Clause */
/* The user's terminal: raw while a run has it, and as it was on every way out. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/unit/support/host.h"
#include "tests/unit/support/suite.h"
#include "vmm/base/thread.h"
#include "vmm/machine/terminal.h"
#include "vmm/sandbox/sandbox.h"
#include "vmm/sandbox/variant.h"

static int master, slave;
static struct termios before;

static void setup(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_eq(tcgetattr(slave, &before), 0);
	ck_assert(before.c_lflag & ICANON && before.c_lflag & ECHO);
}

static bool is_raw(void)
{
	struct termios mode;

	ck_assert_int_eq(tcgetattr(slave, &mode), 0);
	return !(mode.c_lflag & (ICANON | ECHO | ISIG)) && !(mode.c_iflag & ICRNL);
}

static bool is_as_before(void)
{
	struct termios mode;

	ck_assert_int_eq(tcgetattr(slave, &mode), 0);
	return mode.c_lflag == before.c_lflag && mode.c_iflag == before.c_iflag;
}

/* Runs @program where the pseudo-terminal is standard input and the process's own; its status. */
static int run_on_terminal(void (*program)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0 || dup2(slave, STDIN_FILENO) < 0)
			_exit(99);
		program();
		_exit(98);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

static void raw_and_back(void)
{
	bool right = terminal_make_raw() && is_raw();

	/* As after a stop, when the shell had put its own mode back. */
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	right = right && terminal_make_raw() && is_raw();
	terminal_restore();
	right = right && is_as_before();
	terminal_restore();
	_exit(right && is_as_before() ? 0 : 1);
}

START_TEST(it_is_raw_and_back)
{
	ck_assert_int_eq(run_on_terminal(raw_and_back), 0);
	ck_assert(is_as_before());
}
END_TEST

static void leave_by_exit(void)
{
	exit(terminal_make_raw() && is_raw() ? 0 : 1);
}

START_TEST(an_exit_restores_it)
{
	ck_assert_int_eq(run_on_terminal(leave_by_exit), 0);
	ck_assert(is_as_before());
}
END_TEST

static void leave_by_signal(void)
{
	if (terminal_make_raw() && is_raw())
		raise(SIGUSR2);
	_exit(1);
}

START_TEST(a_signal_that_kills_restores_it_and_kills)
{
	int status = run_on_terminal(leave_by_signal);

	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGUSR2);
	ck_assert(is_as_before());
}
END_TEST

static void begin_walls(void)
{
	const struct sandbox_settings settings = {.mode = SANDBOX_ON, .wake = -1};
	struct err err = {0};

	terminal_prepare();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || sandbox_begin(&settings, &err))
		_exit(1);
	sandbox_close();
	if (!terminal_make_raw() || !is_raw())
		_exit(2);
}

static enum thread_kind kind;

static void *send_itself(void *unused)
{
	thread_signal(thread_number(), SIGQUIT);
	/* The thread sanitizer hands it on with the next call of the C library that may wait. */
	poll(NULL, 0, 1);
	return unused;
}

/* Whatever that thread may do besides. */
static void crash_in_a_thread(void)
{
	pthread_t thread;

	/* A program in the background of a shell's script has it ignored. */
	signal(SIGQUIT, SIG_DFL);
	begin_walls();
	if (kind == THREAD_MAIN)
		send_itself(NULL);
	else if (thread_create(&thread, kind, send_itself, NULL) == 0)
		pthread_join(thread, NULL);
	_exit(3);
}

/* By a signal that sanitizers leave alone. */
START_TEST(a_crash_of_any_thread_restores_it)
{
	int status;

	kind = (enum thread_kind)_i;
	status = run_on_terminal(crash_in_a_thread);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT, "0x%x",
		      (unsigned int)status);
	ck_assert(is_as_before());
}
END_TEST

/* A call that is refused is the sandbox's to tell, not one that kills. */
static void be_refused(void)
{
	begin_walls();
	_exit(socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM ? 0 : 4);
}

START_TEST(the_sandbox_keeps_its_signal)
{
	int status;

	if (!filters_are_had("the_sandbox_keeps_its_signal"))
		return;
	status = run_on_terminal(be_refused);
	if (variant_ends_at_once())
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	else
		ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(what_is_no_terminal_of_ours_is_left_alone)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC), saved = dup(STDIN_FILENO);

	ck_assert_int_ge(nothing, 0);
	dup2(nothing, STDIN_FILENO);
	ck_assert(!terminal_make_raw());
	/* A terminal, but this process is not in its foreground. */
	dup2(slave, STDIN_FILENO);
	ck_assert(!terminal_make_raw());
	ck_assert(is_as_before());
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(nothing);
}
END_TEST

static void teardown(void)
{
	close(slave);
	close(master);
}

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, it_is_raw_and_back);
	tcase_add_test(tests, an_exit_restores_it);
	tcase_add_test(tests, a_signal_that_kills_restores_it_and_kills);
	tcase_add_loop_test(tests, a_crash_of_any_thread_restores_it, 0, THREAD_SERVER);
	tcase_add_test(tests, the_sandbox_keeps_its_signal);
	tcase_add_test(tests, what_is_no_terminal_of_ours_is_left_alone);
}

int main(void)
{
	return run_suite("terminal", add_tests);
}
