/* SPDX-License-Identifier: BSD-3-Clause */
/* Other programs and other processes: begun, read, written, stopped, robbed of descriptors. */

#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tests/walls/attempt.h"

static char *const processes_words[] = {(char *)"walls", (char *)WALLS_EXECUTED, NULL};
static char *const processes_environment[] = {NULL};

static int processes_exec(struct scene *scene)
{
	(void)scene;
	return walls_result(
		syscall(SYS_execve, "/proc/self/exe", processes_words, processes_environment));
}

static int processes_hold_self(struct scene *scene)
{
	return scene_open(scene, "/proc/self/exe", O_RDONLY);
}

static int processes_exec_held(struct scene *scene)
{
	return walls_result(syscall(SYS_execveat, scene->held, "", processes_words,
				    processes_environment, AT_EMPTY_PATH));
}

static int processes_memfd(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_memfd_create, "walls", MFD_CLOEXEC));
}

/* This very program as a file of memory that has no name. */
static int processes_copy_self(struct scene *scene)
{
	struct stat status;
	ssize_t sent = 0;
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	if (self < 0)
		return -errno;
	scene->held = memfd_create("walls", MFD_CLOEXEC);
	if (scene->held < 0 || fstat(self, &status))
		return -errno;
	for (off_t at = 0; at < status.st_size && sent >= 0;)
		sent = sendfile(scene->held, self, &at, (size_t)(status.st_size - at));
	close(self);
	return sent < 0 ? -errno : 0;
}

/* A child that is there has nothing to do. */
static int processes_child(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return -errno;
	(void)waitpid((pid_t)pid, NULL, __WALL);
	return 0;
}

static int processes_clone(struct scene *scene)
{
	(void)scene;
	return processes_child(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL));
}

static int processes_clone_namespaces(struct scene *scene)
{
	(void)scene;
	return processes_child(
		syscall(SYS_clone, SIGCHLD | CLONE_NEWUSER | CLONE_NEWNS, NULL, NULL, NULL, NULL));
}

static int processes_clone3(struct scene *scene)
{
	struct clone_args args = {.exit_signal = SIGCHLD};

	(void)scene;
	return processes_child(syscall(SYS_clone3, &args, sizeof(args)));
}

static int processes_clone3_namespaces(struct scene *scene)
{
	struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};

	(void)scene;
	return processes_child(syscall(SYS_clone3, &args, sizeof(args)));
}

static void *processes_nothing(void *argument)
{
	return argument;
}

static int processes_thread(struct scene *scene)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, processes_nothing, scene);

	return rc ? -rc : -pthread_join(thread, NULL);
}

static int processes_ptrace_seize(struct scene *scene)
{
	return walls_result(syscall(SYS_ptrace, PTRACE_SEIZE, scene->target, NULL, NULL));
}

static int processes_ptrace_attach(struct scene *scene)
{
	return walls_result(syscall(SYS_ptrace, PTRACE_ATTACH, scene->target, NULL, NULL));
}

static int processes_ptrace_traceme(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL));
}

/* The page is in the target at the same address. */
static int processes_readv(struct scene *scene)
{
	uint64_t word;
	struct iovec here = {&word, sizeof(word)}, there = {scene->page, sizeof(word)};

	return walls_result(
		syscall(SYS_process_vm_readv, scene->target, &here, 1UL, &there, 1UL, 0UL));
}

static int processes_writev(struct scene *scene)
{
	uint64_t word = 1;
	struct iovec here = {&word, sizeof(word)}, there = {scene->page, sizeof(word)};

	return walls_result(
		syscall(SYS_process_vm_writev, scene->target, &here, 1UL, &there, 1UL, 0UL));
}

static int processes_pidfd_open(struct scene *scene)
{
	return walls_result(syscall(SYS_pidfd_open, scene->target, 0));
}

static int processes_hold_target(struct scene *scene)
{
	int rc = scene_begin_target(scene);

	if (rc)
		return rc;
	scene->held = (int)syscall(SYS_pidfd_open, scene->target, 0);
	return scene->held < 0 ? -errno : 0;
}

static int processes_pidfd_getfd(struct scene *scene)
{
	return walls_result(syscall(SYS_pidfd_getfd, scene->held, STDERR_FILENO, 0));
}

static int processes_madvise(struct scene *scene)
{
	struct iovec there = {scene->page, (size_t)sysconf(_SC_PAGESIZE)};

	return walls_result(syscall(SYS_process_madvise, scene->held, &there, 1UL, MADV_COLD, 0));
}

/* It is only for processes that are ending. */
static int processes_mrelease(struct scene *scene)
{
	return walls_reached(syscall(SYS_process_mrelease, scene->held, 0), EINVAL);
}

static int processes_compare(struct scene *scene)
{
	return walls_result(syscall(SYS_kcmp, getpid(), scene->target, KCMP_FILE, 0UL, 0UL));
}

static int processes_limit(struct scene *scene)
{
	struct rlimit64 limit = {1024, 1024};

	return walls_result(syscall(SYS_prlimit64, scene->target, RLIMIT_NOFILE, &limit, NULL));
}

static int processes_see_limit(struct scene *scene)
{
	struct rlimit64 limit;

	return walls_result(syscall(SYS_prlimit64, scene->target, RLIMIT_NOFILE, NULL, &limit));
}

static int processes_migrate(struct scene *scene)
{
	const unsigned long node = 1;

	return walls_result(
		syscall(SYS_migrate_pages, scene->target, 8 * sizeof(node), &node, &node));
}

static int processes_robust_list(struct scene *scene)
{
	void *head;
	size_t size;

	return walls_result(syscall(SYS_get_robust_list, scene->target, &head, &size));
}

static int processes_set_group(struct scene *scene)
{
	return walls_result(syscall(SYS_setpgid, scene->target, scene->target));
}

const struct attempt attempts_on_processes[] = {
	{"execve", NULL, processes_exec, 0},
	{"execveat", processes_hold_self, processes_exec_held, 0},
	{"memfd-create", NULL, processes_memfd, 0},
	{"execveat-memfd", processes_copy_self, processes_exec_held, 0},
	{"clone", NULL, processes_clone, 0},
	{"clone-namespaces", NULL, processes_clone_namespaces, 0},
	{"clone3", NULL, processes_clone3, 0},
	{"clone3-namespaces", NULL, processes_clone3_namespaces, 0},
	{"thread", NULL, processes_thread, BY_STARTER},
	{"ptrace-seize", scene_begin_target, processes_ptrace_seize, 0},
	{"ptrace-attach", scene_begin_target, processes_ptrace_attach, 0},
	{"ptrace-traceme", NULL, processes_ptrace_traceme, 0},
	{"process-vm-readv", scene_begin_target, processes_readv, 0},
	{"process-vm-writev", scene_begin_target, processes_writev, 0},
	{"pidfd-open", scene_begin_target, processes_pidfd_open, 0},
	{"pidfd-getfd", processes_hold_target, processes_pidfd_getfd, 0},
	{"process-madvise", processes_hold_target, processes_madvise, 0},
	{"process-mrelease", processes_hold_target, processes_mrelease, 0},
	{"kcmp", scene_begin_target, processes_compare, 0},
	{"prlimit-of-another", scene_begin_target, processes_limit, 0},
	{"see-prlimit-of-another", scene_begin_target, processes_see_limit, 0},
	{"migrate-pages", scene_begin_target, processes_migrate, 0},
	{"get-robust-list", scene_begin_target, processes_robust_list, 0},
	{"setpgid", scene_begin_target, processes_set_group, 0},
	{NULL, NULL, NULL, 0},
};
