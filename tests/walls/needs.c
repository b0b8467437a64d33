/* SPDX-License-Identifier: BSD-3-Clause */
/* What the monitor itself does all the time, each by the kinds of threads that need it alone. */

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/kvm.h>
#include <linux/vfio.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

#include "tests/walls/attempt.h"

static int needs_hold_event(struct scene *scene)
{
	scene->held = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	return scene->held < 0 ? -errno : 0;
}

static int needs_signal(struct scene *scene)
{
	const uint64_t one = 1;

	return walls_result(write(scene->held, &one, sizeof(one)));
}

static int needs_hear(struct scene *scene)
{
	uint64_t count;

	return walls_result(read(scene->held, &count, sizeof(count)));
}

static int needs_memory(struct scene *scene)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)scene;
	if (page == MAP_FAILED)
		return -errno;
	return walls_result(munmap(page, size));
}

static int needs_kick(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_tgkill, thread_process(), thread_process(), SIGWINCH));
}

/*
 * What the kernel restarts by another call once a process goes on that was stopped: often enough
 * that one stop falls into the wait.
 */
static int needs_stop(struct scene *scene)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	pid_t parent = getpid();

	scene->target = fork();
	if (scene->target == 0) {
		for (int i = 0; i < 8; i++) {
			nanosleep(&pause, NULL);
			kill(parent, SIGSTOP);
			nanosleep(&pause, NULL);
			kill(parent, SIGCONT);
		}
		_exit(0);
	}
	return scene->target < 0 ? -errno : 0;
}

static int needs_wait(struct scene *scene)
{
	const struct timespec limit = {.tv_nsec = 200 * 1000 * 1000};

	return walls_reached(syscall(SYS_futex, scene->page, FUTEX_WAIT_PRIVATE, 0, &limit, NULL,
				     0),
			     ETIMEDOUT);
}

/* Something that is asked for in vain, once it may be. */
static int needs_hold_null(struct scene *scene)
{
	return scene_open(scene, "/dev/null", O_RDWR);
}

static int needs_run(struct scene *scene)
{
	return walls_reached(ioctl(scene->held, KVM_RUN, 0), ENOTTY);
}

static int needs_reset(struct scene *scene)
{
	return walls_reached(ioctl(scene->held, VFIO_DEVICE_RESET), ENOTTY);
}

static int needs_interrupts(struct scene *scene)
{
	struct vfio_irq_set set = {.argsz = sizeof(set)};

	return walls_reached(ioctl(scene->held, VFIO_DEVICE_SET_IRQS, &set), ENOTTY);
}

static int needs_hold_loop(struct scene *scene)
{
	scene->held = epoll_create1(EPOLL_CLOEXEC);
	return scene->held < 0 ? -errno : 0;
}

static int needs_look(struct scene *scene)
{
	struct epoll_event event;

	return walls_result(epoll_wait(scene->held, &event, 1, 0));
}

static int needs_hold_listener(struct scene *scene)
{
	struct sockaddr_un nameless = {.sun_family = AF_UNIX};

	scene->held = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (scene->held < 0 ||
	    bind(scene->held, (struct sockaddr *)&nameless, sizeof(nameless.sun_family)) ||
	    listen(scene->held, 1))
		return -errno;
	return 0;
}

static int needs_accept(struct scene *scene)
{
	return walls_reached(accept4(scene->held, NULL, NULL, SOCK_CLOEXEC), EAGAIN);
}

const struct attempt attempts_of_monitor[] = {
	{"write", needs_hold_event, needs_signal, BY_ALL},
	{"read", needs_hold_event, needs_hear, BY_ALL & ~(BY_POPULATE | BY_FILES)},
	{"mmap", NULL, needs_memory, BY_ALL},
	{"tgkill-itself", NULL, needs_kick, BY_ALL},
	{"wait-stopped", needs_stop, needs_wait, BY_ALL & ~BY_FILES},
	{"kvm-run", needs_hold_null, needs_run, BY_VCPU},
	{"vfio-reset", needs_hold_null, needs_reset, BY_MAIN | BY_RESET | BY_DEVICE},
	{"vfio-interrupts", needs_hold_null, needs_interrupts, BY_MAIN | BY_VCPU | BY_DEVICE},
	{"epoll-wait", needs_hold_loop, needs_look, BY_MAIN | BY_VHOST},
	{"accept", needs_hold_listener, needs_accept, BY_SERVER},
	{NULL, NULL, NULL, 0},
};
