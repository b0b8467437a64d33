/* SPDX-License-Identifier: BSD-3-Clause */
/* Privileges: ids, capabilities, what prctl() gives; ways to loosen a wall; the scheduler's. */

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/walls/attempt.h"

/* Of <linux/sched/types.h>, which the C library's own declaration excludes. */
struct privileges_sched {
	int priority;
};

static int privileges_setuid(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_setuid, getuid()));
}

static int privileges_setresgid(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_setresgid, -1, getgid(), -1));
}

static int privileges_setgroups(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_setgroups, 0, NULL));
}

static int privileges_setfsuid(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_setfsuid, getuid()));
}

/* None, which anybody may have. */
static int privileges_capset(struct scene *scene)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};

	(void)scene;
	return walls_result(syscall(SYS_capset, &header, data));
}

static int privileges_prctl(int option, unsigned long argument)
{
	return walls_result(syscall(SYS_prctl, option, argument, 0UL, 0UL, 0UL));
}

static int privileges_dumpable(struct scene *scene)
{
	(void)scene;
	return privileges_prctl(PR_SET_DUMPABLE, 1);
}

static int privileges_ptracer(struct scene *scene)
{
	(void)scene;
	return privileges_prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
}

static int privileges_keep_capabilities(struct scene *scene)
{
	(void)scene;
	return privileges_prctl(PR_SET_KEEPCAPS, 1);
}

static int privileges_secure_bits(struct scene *scene)
{
	(void)scene;
	return privileges_prctl(PR_SET_SECUREBITS, 0);
}

static int privileges_subreaper(struct scene *scene)
{
	(void)scene;
	return privileges_prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int privileges_ambient(struct scene *scene)
{
	(void)scene;
	return walls_result(
		syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL));
}

static int privileges_memory_map(struct scene *scene)
{
	unsigned int size;

	(void)scene;
	return walls_result(syscall(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0UL, 0UL));
}

static int privileges_personality(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_personality, READ_IMPLIES_EXEC));
}

/* Without privileges that comes before a filter. */
static int privileges_no_new(struct scene *scene)
{
	(void)scene;
	return privileges_prctl(PR_SET_NO_NEW_PRIVS, 1);
}

/* One that lets everything. */
static int privileges_seccomp(struct scene *scene)
{
	struct sock_filter let = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {1, &let};

	(void)scene;
	return walls_result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static int privileges_seccomp_prctl(struct scene *scene)
{
	struct sock_filter let = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {1, &let};

	(void)scene;
	return walls_result(
		syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0UL, 0UL));
}

static int privileges_seccomp_listener(struct scene *scene)
{
	struct sock_filter ask = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {1, &ask};

	(void)scene;
	return walls_result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
				    SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

static int privileges_landlock(struct scene *scene)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE};

	(void)scene;
	return walls_result(syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0));
}

static int privileges_prepare_landlock(struct scene *scene)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE};
	int rc = privileges_prctl(PR_SET_NO_NEW_PRIVS, 1);

	if (rc)
		return rc;
	scene->held = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	return scene->held < 0 ? -errno : 0;
}

static int privileges_landlock_enter(struct scene *scene)
{
	return walls_result(syscall(SYS_landlock_restrict_self, scene->held, 0));
}

static int privileges_scheduler(struct scene *scene)
{
	struct privileges_sched fifo = {1};

	(void)scene;
	return walls_result(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &fifo));
}

static int privileges_scheduler_of(struct scene *scene)
{
	struct privileges_sched fifo = {1};

	return walls_result(syscall(SYS_sched_setscheduler, scene->target, SCHED_FIFO, &fifo));
}

/* The first processor, which every machine has. */
static int privileges_affinity_of(struct scene *scene)
{
	const unsigned long first = 1;

	return walls_result(syscall(SYS_sched_setaffinity, scene->target, sizeof(first), &first));
}

static int privileges_priority(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_setpriority, PRIO_PROCESS, 0, -1));
}

static int privileges_priority_of(struct scene *scene)
{
	return walls_result(syscall(SYS_setpriority, PRIO_PROCESS, scene->target, 1));
}

/* The best effort's fourth level of a process, which is what all begin with. */
static int privileges_io_priority(struct scene *scene)
{
	return walls_result(syscall(SYS_ioprio_set, 1, scene->target, 2 << 13 | 4));
}

/* What it has already: raising it would do harm where it goes through. */
static int privileges_read_limit(struct scene *scene)
{
	return walls_result(getrlimit64(RLIMIT_MEMLOCK, scene->page));
}

static int privileges_limit(struct scene *scene)
{
	return walls_result(syscall(SYS_prlimit64, 0, RLIMIT_MEMLOCK, scene->page, NULL));
}

/* The same from an address whose lower half is that of NULL. */
static int privileges_read_limit_low(struct scene *scene)
{
	scene->page = scene_map_low();
	return scene->page ? privileges_read_limit(scene) : -ENOMEM;
}

const struct attempt attempts_on_privileges[] = {
	{"setuid", NULL, privileges_setuid, 0},
	{"setresgid", NULL, privileges_setresgid, 0},
	{"setgroups", NULL, privileges_setgroups, 0},
	{"setfsuid", NULL, privileges_setfsuid, 0},
	{"capset", NULL, privileges_capset, 0},
	{"set-dumpable", NULL, privileges_dumpable, 0},
	{"set-ptracer", NULL, privileges_ptracer, 0},
	{"set-keepcaps", NULL, privileges_keep_capabilities, 0},
	{"set-securebits", NULL, privileges_secure_bits, 0},
	{"set-subreaper", NULL, privileges_subreaper, 0},
	{"ambient-capabilities", NULL, privileges_ambient, 0},
	{"set-memory-map", NULL, privileges_memory_map, 0},
	{"personality", NULL, privileges_personality, 0},
	{"seccomp", privileges_no_new, privileges_seccomp, BY_STARTER},
	{"seccomp-by-prctl", privileges_no_new, privileges_seccomp_prctl, 0},
	{"seccomp-listener", privileges_no_new, privileges_seccomp_listener, 0},
	{"set-no-new-privs", NULL, privileges_no_new, 0},
	{"landlock", NULL, privileges_landlock, 0},
	{"landlock-enter", privileges_prepare_landlock, privileges_landlock_enter, 0},
	{"sched-setscheduler", NULL, privileges_scheduler, 0},
	{"sched-setscheduler-of", scene_begin_target, privileges_scheduler_of, 0},
	{"sched-setaffinity-of", scene_begin_target, privileges_affinity_of, 0},
	{"setpriority", NULL, privileges_priority, 0},
	{"setpriority-of", scene_begin_target, privileges_priority_of, 0},
	{"ioprio-set-of", scene_begin_target, privileges_io_priority, 0},
	{"set-own-limit", privileges_read_limit, privileges_limit, 0},
	{"set-own-limit-upper-half", privileges_read_limit_low, privileges_limit, 0},
	{NULL, NULL, NULL, 0},
};
