/* SPDX-License-Identifier: BSD-3-Clause */
/* Ends a monitor by a signal at a chosen step, on its way up or on its way back. */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

/*
 * A step is the first system call of its kind that the monitor's first thread makes; an ioctl's
 * kind is its request. On the way back they are counted anew.
 */
enum { STEPS_MAX = 400 };

struct step {
	uint64_t call, request;
};

struct watched {
	pid_t pid;
	const char *way; /* "up" or "back" */
	struct step steps[STEPS_MAX];
	unsigned int count;
	FILE *log;
};

static const struct {
	uint64_t call;
	const char *name;
} names[] = {
	{SYS_openat, "openat"},
	{SYS_close, "close"},
	{SYS_read, "read"},
	{SYS_write, "write"},
	{SYS_pread64, "pread64"},
	{SYS_pwrite64, "pwrite64"},
	{SYS_mmap, "mmap"},
	{SYS_munmap, "munmap"},
	{SYS_mprotect, "mprotect"},
	{SYS_madvise, "madvise"},
	{SYS_ioctl, "ioctl"},
	{SYS_eventfd2, "eventfd2"},
	{SYS_timerfd_create, "timerfd_create"},
	{SYS_timerfd_settime, "timerfd_settime"},
	{SYS_signalfd4, "signalfd4"},
	{SYS_epoll_create1, "epoll_create1"},
	{SYS_epoll_ctl, "epoll_ctl"},
	{SYS_epoll_pwait, "epoll_pwait"},
	{SYS_clone, "clone"},
	{SYS_clone3, "clone3"},
	{SYS_futex, "futex"},
	{SYS_socket, "socket"},
	{SYS_bind, "bind"},
	{SYS_listen, "listen"},
	{SYS_symlinkat, "symlinkat"},
	{SYS_unlinkat, "unlinkat"},
#ifdef SYS_symlink
	{SYS_symlink, "symlink"},
	{SYS_unlink, "unlink"},
	{SYS_epoll_wait, "epoll_wait"},
#endif
	{SYS_rt_sigprocmask, "rt_sigprocmask"},
	{SYS_prlimit64, "prlimit64"},
	{SYS_exit_group, "exit_group"},
};

static void log_step(const struct watched *watched, const struct step *step)
{
	const char *name = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].call == step->call)
			name = names[i].name;
	fprintf(watched->log, "%s %u ", watched->way, watched->count);
	if (name)
		fprintf(watched->log, "%s", name);
	else
		fprintf(watched->log, "call-%u", (unsigned int)step->call);
	if (step->call == SYS_ioctl)
		fprintf(watched->log, ":%#x", (unsigned int)step->request);
	fputc('\n', watched->log);
	fflush(watched->log);
}

/* Whether the call is of a kind that was not there yet. */
static bool count_step(struct watched *watched, const struct step *step)
{
	for (unsigned int i = 0; i < watched->count; i++)
		if (watched->steps[i].call == step->call &&
		    watched->steps[i].request == step->request)
			return false;
	if (watched->count == STEPS_MAX)
		errx(2, "kill-at: there are more than %d steps", STEPS_MAX);
	watched->steps[watched->count++] = *step;
	log_step(watched, step);
	return true;
}

static bool waits_in_loop(const struct step *step)
{
#ifdef SYS_epoll_wait
	if (step->call == SYS_epoll_wait)
		return true;
#endif
	return step->call == SYS_epoll_pwait;
}

static void start(struct watched *watched, char **command)
{
	int status;

	watched->pid = fork();
	if (watched->pid < 0)
		err(2, "kill-at: fork");
	if (watched->pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			err(2, "kill-at: ptrace");
		execvp(command[0], command);
		err(127, "%s", command[0]);
	}
	if (waitpid(watched->pid, &status, 0) != watched->pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, watched->pid, NULL,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL))
		errx(2, "kill-at: %s did not start", command[0]);
}

/* Goes on to where the next call begins; false where the monitor has ended, with *@status. */
static bool next_call(struct watched *watched, struct step *step, int *status)
{
	struct __ptrace_syscall_info info;
	long passed = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, watched->pid, NULL, passed))
			passed = 0; /* killed by somebody else: it is waited for */
		if (waitpid(watched->pid, status, 0) != watched->pid)
			err(2, "kill-at: waitpid");
		if (!WIFSTOPPED(*status))
			return false;
		passed = WSTOPSIG(*status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(*status);
		if (passed ||
		    ptrace(PTRACE_GET_SYSCALL_INFO, watched->pid, sizeof(info), &info) <= 0 ||
		    info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		step->call = info.entry.nr;
		step->request = info.entry.nr == SYS_ioctl ? (uint32_t)info.entry.args[1] : 0;
		return true;
	}
}

/* Lets the monitor go with it; its end as a shell tells it, 124 where there is none for long. */
static int strike(struct watched *watched, int signal_number)
{
	enum { PAUSE_US = 10000, SECONDS = 60 };
	double from = seconds_now();
	int status;

	kill(watched->pid, signal_number);
	ptrace(PTRACE_DETACH, watched->pid, NULL, 0);
	while (waitpid(watched->pid, &status, WNOHANG) == 0) {
		if (seconds_now() - from > SECONDS) {
			kill(watched->pid, SIGKILL);
			waitpid(watched->pid, &status, 0);
			return 124;
		}
		usleep(PAUSE_US);
	}
	fprintf(watched->log, "took %.0f ms\n", 1000 * (seconds_now() - from));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/*
 * On the way up it is struck at the step of this number, or in its loop where there are fewer. On
 * the way back, which SIGTERM in its loop begins, likewise, or not at all.
 */
int kill_at_main(int argc, char **argv)
{
	struct watched watched = {.way = "up"};
	bool back;
	unsigned int wanted;
	int signal_number, status;
	struct step step;

	if (argc < 6)
		errx(2, "kill-at: up|back STEP SIGNAL LOG COMMAND...");
	back = strcmp(argv[1], "back") == 0;
	wanted = (unsigned int)strtoul(argv[2], NULL, 10);
	signal_number = atoi(argv[3]);
	watched.log = fopen(argv[4], "we");
	if (!watched.log)
		err(2, "kill-at: %s", argv[4]);
	start(&watched, argv + 5);
	while (next_call(&watched, &step, &status)) {
		bool is_new = count_step(&watched, &step);
		bool here = *watched.way == (back ? 'b' : 'u');

		if (here && is_new && watched.count == wanted)
			return strike(&watched, signal_number);
		if (!waits_in_loop(&step) || *watched.way == 'b')
			continue;
		if (!back)
			return strike(&watched, signal_number);
		watched.way = "back";
		watched.count = 0;
		kill(watched.pid, SIGTERM);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
