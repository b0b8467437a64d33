/* SPDX-License-Identifier: BSD-3-Clause */
/* Signals to other processes, by every call and by descriptors that send them; timers. */

#include <fcntl.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "tests/walls/attempt.h"

/* Nobody minds it who has not asked for it. */
static const int harmless = SIGWINCH;

static int signals_kill(struct scene *scene)
{
	return walls_result(syscall(SYS_kill, scene->target, harmless));
}

/* Whoever may be signalled at all. */
static int signals_kill_all(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_kill, 0, 0));
}

static int signals_tkill(struct scene *scene)
{
	return walls_result(syscall(SYS_tkill, scene->target, harmless));
}

static int signals_tgkill(struct scene *scene)
{
	return walls_result(syscall(SYS_tgkill, scene->target, scene->target, harmless));
}

/* The kernel looks at 32 bits of each. */
static int signals_tgkill_any(struct scene *scene)
{
	return walls_result(syscall(SYS_tgkill, 1UL << 32 | (unsigned long)scene->target,
				    1UL << 32 | (unsigned long)scene->target, harmless));
}

static int signals_queue(struct scene *scene)
{
	siginfo_t info = {.si_signo = SIGWINCH, .si_code = SI_QUEUE};

	return walls_result(syscall(SYS_rt_sigqueueinfo, scene->target, harmless, &info));
}

static int signals_queue_thread(struct scene *scene)
{
	siginfo_t info = {.si_signo = SIGWINCH, .si_code = SI_QUEUE};

	return walls_result(
		syscall(SYS_rt_tgsigqueueinfo, scene->target, scene->target, harmless, &info));
}

static int signals_hold_target(struct scene *scene)
{
	int rc = scene_begin_target(scene);

	if (rc)
		return rc;
	scene->held = (int)syscall(SYS_pidfd_open, scene->target, 0);
	return scene->held < 0 ? -errno : 0;
}

static int signals_by_pidfd(struct scene *scene)
{
	return walls_result(syscall(SYS_pidfd_send_signal, scene->held, harmless, NULL, 0));
}

static int signals_hold_socket(struct scene *scene)
{
	int ends[2], rc = scene_begin_target(scene);

	if (!rc)
		rc = walls_result(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	if (!rc)
		scene->held = ends[0];
	return rc;
}

static int signals_set_owner(struct scene *scene)
{
	return walls_result(fcntl(scene->held, F_SETOWN, scene->target));
}

static int signals_set_owner_ex(struct scene *scene)
{
	struct f_owner_ex owner = {F_OWNER_PID, scene->target};

	return walls_result(fcntl(scene->held, F_SETOWN_EX, &owner));
}

static int signals_set_number(struct scene *scene)
{
	return walls_result(fcntl(scene->held, F_SETSIG, SIGKILL));
}

static int signals_set_owner_ioctl(struct scene *scene)
{
	return walls_result(ioctl(scene->held, FIOSETOWN, &scene->target));
}

static int signals_timer_create(struct scene *scene)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	int timer;

	(void)scene;
	return walls_result(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer));
}

static int signals_timer_flood(struct scene *scene)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	int timer;

	(void)scene;
	for (int i = 0; i < 100; i++)
		if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer))
			return -errno;
	return 0;
}

static int signals_interval(struct scene *scene)
{
	struct itimerval never = {0};

	(void)scene;
	return walls_result(syscall(SYS_setitimer, ITIMER_PROF, &never, NULL));
}

const struct attempt attempts_on_signals[] = {
	{"kill", scene_begin_target, signals_kill, 0},
	{"kill-group", NULL, signals_kill_all, 0},
	{"tkill", scene_begin_target, signals_tkill, 0},
	{"tgkill", scene_begin_target, signals_tgkill, 0},
	{"tgkill-upper-half", scene_begin_target, signals_tgkill_any, 0},
	{"rt-sigqueueinfo", scene_begin_target, signals_queue, 0},
	{"rt-tgsigqueueinfo", scene_begin_target, signals_queue_thread, 0},
	{"pidfd-send-signal", signals_hold_target, signals_by_pidfd, 0},
	{"fcntl-setown", signals_hold_socket, signals_set_owner, 0},
	{"fcntl-setown-ex", signals_hold_socket, signals_set_owner_ex, 0},
	{"fcntl-setsig", signals_hold_socket, signals_set_number, 0},
	{"ioctl-setown", signals_hold_socket, signals_set_owner_ioctl, 0},
	{"timer-create", NULL, signals_timer_create, 0},
	{"timer-flood", NULL, signals_timer_flood, 0},
	{"setitimer", NULL, signals_interval, 0},
	{NULL, NULL, NULL, 0},
};
