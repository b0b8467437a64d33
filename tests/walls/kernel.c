/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel itself: its keys, code, clock, names, logs. Each in a form that changes nothing. */

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/quota.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#include "tests/walls/attempt.h"

static int kernel_keyctl(struct scene *scene)
{
	(void)scene;
	return walls_result(
		syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1));
}

static int kernel_add_key(struct scene *scene)
{
	(void)scene;
	return walls_result(
		syscall(SYS_add_key, "user", "walls", "x", (size_t)1, KEY_SPEC_PROCESS_KEYRING));
}

/* There is none of that name. */
static int kernel_request_key(struct scene *scene)
{
	(void)scene;
	return walls_reached(syscall(SYS_request_key, "user", "walls", NULL,
				     KEY_SPEC_PROCESS_KEYRING),
			     ENOKEY);
}

static int kernel_bpf(struct scene *scene)
{
	union bpf_attr attr;

	(void)scene;
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 4;
	attr.max_entries = 1;
	return walls_result(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int kernel_perf_event(struct scene *scene)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
	};

	(void)scene;
	/* Of a processor: a task's has the scheduler patched, which emulators get wrong. */
	return walls_result(syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0UL));
}

/* A kernel of no parts: an image that was loaded before would be forgotten, and none is. */
static int kernel_kexec(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL));
}

static int kernel_hold_null(struct scene *scene)
{
	return scene_open(scene, "/dev/null", O_RDONLY);
}

/* What is no kernel is not loaded, if it may be asked for. */
static int kernel_kexec_file(struct scene *scene)
{
	return walls_reached(syscall(SYS_kexec_file_load, scene->held, -1, 0UL, NULL, 4UL), EINVAL);
}

static int kernel_init_module(struct scene *scene)
{
	return walls_reached(syscall(SYS_init_module, scene->page, 4096UL, ""), ENOEXEC);
}

static int kernel_finit_module(struct scene *scene)
{
	return walls_reached(syscall(SYS_finit_module, scene->held, "", 0), EINVAL);
}

static int kernel_delete_module(struct scene *scene)
{
	(void)scene;
	return walls_reached(syscall(SYS_delete_module, "no_such_module", O_NONBLOCK), ENOENT);
}

static int kernel_swapon(struct scene *scene)
{
	return walls_reached(syscall(SYS_swapon, scene->path, 0), ENOENT);
}

static int kernel_swapoff(struct scene *scene)
{
	return walls_reached(syscall(SYS_swapoff, scene->path), ENOENT);
}

/* The three keys send a signal to init, which most inits have asked for themselves. */
static int kernel_reboot(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
				    LINUX_REBOOT_CMD_CAD_OFF, NULL));
}

static int kernel_sethostname(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_sethostname, "walls", (size_t)5));
}

static int kernel_setdomainname(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_setdomainname, "walls", (size_t)5));
}

/* The time zone that kernels begin with. */
static int kernel_settimeofday(struct scene *scene)
{
	struct timezone zone = {0};

	(void)scene;
	return walls_result(syscall(SYS_settimeofday, NULL, &zone));
}

/* No such time. */
static int kernel_clock_settime(struct scene *scene)
{
	struct timespec time = {0, -1};

	(void)scene;
	return walls_reached(syscall(SYS_clock_settime, CLOCK_REALTIME, &time), EINVAL);
}

static int kernel_clock_adjtime(struct scene *scene)
{
	struct timex change = {0};

	(void)scene;
	return walls_result(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &change));
}

static int kernel_adjtimex(struct scene *scene)
{
	struct timex change = {0};

	(void)scene;
	return walls_result(syscall(SYS_adjtimex, &change));
}

/* To write all quotas down, of file systems that have some. */
static int kernel_quotactl(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_quotactl, QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL));
}

static int kernel_acct(struct scene *scene)
{
	return walls_reached(syscall(SYS_acct, scene->path), ENOENT);
}

/* The size of its buffer. */
static int kernel_syslog(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_syslog, 10, NULL, 0));
}

static int kernel_sync(struct scene *scene)
{
	return walls_result(syscall(SYS_syncfs, scene->held));
}

static int kernel_inotify(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_inotify_init1, O_CLOEXEC));
}

static int kernel_fanotify(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_fanotify_init, 0, O_RDONLY));
}

static int kernel_sysinfo(struct scene *scene)
{
	return walls_result(syscall(SYS_sysinfo, scene->page));
}

static int kernel_uname(struct scene *scene)
{
	return walls_result(syscall(SYS_uname, scene->page));
}

const struct attempt attempts_on_kernel[] = {
	{"keyctl", NULL, kernel_keyctl, 0},
	{"add-key", NULL, kernel_add_key, 0},
	{"request-key", NULL, kernel_request_key, 0},
	{"bpf", NULL, kernel_bpf, 0},
	{"perf-event-open", NULL, kernel_perf_event, 0},
	{"kexec-load", NULL, kernel_kexec, 0},
	{"kexec-file-load", kernel_hold_null, kernel_kexec_file, 0},
	{"init-module", NULL, kernel_init_module, 0},
	{"finit-module", kernel_hold_null, kernel_finit_module, 0},
	{"delete-module", NULL, kernel_delete_module, 0},
	{"swapon", NULL, kernel_swapon, 0},
	{"swapoff", NULL, kernel_swapoff, 0},
	{"reboot", NULL, kernel_reboot, 0},
	{"sethostname", scene_be_alone, kernel_sethostname, 0},
	{"setdomainname", scene_be_alone, kernel_setdomainname, 0},
	{"settimeofday", NULL, kernel_settimeofday, 0},
	{"clock-settime", NULL, kernel_clock_settime, 0},
	{"clock-adjtime", NULL, kernel_clock_adjtime, 0},
	{"adjtimex", NULL, kernel_adjtimex, 0},
	{"quotactl", NULL, kernel_quotactl, 0},
	{"acct", NULL, kernel_acct, 0},
	{"syslog", NULL, kernel_syslog, 0},
	{"syncfs", kernel_hold_null, kernel_sync, 0},
	{"inotify", NULL, kernel_inotify, 0},
	{"fanotify", NULL, kernel_fanotify, 0},
	{"sysinfo", NULL, kernel_sysinfo, 0},
	{"uname", NULL, kernel_uname, 0},
	{NULL, NULL, NULL, 0},
};
