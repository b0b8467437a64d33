/* SPDX-License-Identifier: BSD-3-Clause */
/* x86_64's own: the calls of the other two ABIs, of older times, ports and descriptor tables. */

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/walls/attempt.h"

/* A call of the ABI of 32 bits: its numbers are others, its pointers have 32 bits. */
static long x86_call32(long number, unsigned long a, unsigned long b, unsigned long c)
{
	long answer;

	__asm__ volatile("int $0x80"
			 : "=a"(answer)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return answer;
}

static int x86_result32(long answer)
{
	return answer < 0 && answer > -4096 ? (int)answer : 0;
}

/* open(), which has the number that is fstat()'s otherwise. */
static int x86_open32(struct scene *scene)
{
	strcpy(scene->page, "/etc/passwd");
	return x86_result32(x86_call32(5, (uintptr_t)scene->page, O_RDONLY, 0));
}

/* getpid(), which is writev()'s. */
static int x86_getpid32(struct scene *scene)
{
	(void)scene;
	return x86_result32(x86_call32(20, 0, 0, 0));
}

/* execve(), which is munmap()'s. */
static int x86_exec32(struct scene *scene)
{
	unsigned int *words = (unsigned int *)((char *)scene->page + 64);

	strcpy(scene->page, "/proc/self/exe");
	strcpy((char *)scene->page + 32, WALLS_EXECUTED);
	words[0] = (unsigned int)(uintptr_t)scene->page;
	words[1] = (unsigned int)(uintptr_t)scene->page + 32;
	words[2] = 0;
	return x86_result32(
		x86_call32(11, (uintptr_t)scene->page, (uintptr_t)words, (uintptr_t)(words + 2)));
}

static int x86_getpid_x32(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(0x40000000L | SYS_getpid));
}

static int x86_write_x32(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(0x40000000L | SYS_write, STDERR_FILENO, "", (size_t)0));
}

static int x86_open(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_open, "/etc/passwd", O_RDONLY));
}

static int x86_creat(struct scene *scene)
{
	return walls_result(syscall(SYS_creat, scene->path, 0600));
}

static int x86_stat(struct scene *scene)
{
	struct stat status;

	(void)scene;
	return walls_result(syscall(SYS_stat, "/etc/passwd", &status));
}

static int x86_readlink(struct scene *scene)
{
	char name[64];

	(void)scene;
	return walls_result(syscall(SYS_readlink, "/proc/self/exe", name, sizeof(name)));
}

static int x86_ask_access(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_faccessat, AT_FDCWD, "/etc/passwd", R_OK));
}

static int x86_read_link(struct scene *scene)
{
	char name[64];

	(void)scene;
	return walls_result(
		syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", name, sizeof(name)));
}

static int x86_make(struct scene *scene)
{
	return scene_open(scene, scene->path, O_CREAT | O_EXCL | O_RDWR);
}

static int x86_unlink(struct scene *scene)
{
	return walls_result(syscall(SYS_unlink, scene->path));
}

static int x86_fork(struct scene *scene)
{
	long pid = syscall(SYS_fork);

	(void)scene;
	if (pid == 0)
		_exit(0);
	return walls_result(pid);
}

static int x86_vfork(struct scene *scene)
{
	pid_t pid = vfork();

	(void)scene;
	if (pid == 0)
		_exit(0);
	return walls_result(pid);
}

static int x86_iopl(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_iopl, 3));
}

static int x86_ioperm(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_ioperm, 0x80UL, 1UL, 1));
}

static int x86_modify_ldt(struct scene *scene)
{
	struct user_desc entry = {.limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1};

	(void)scene;
	return walls_result(syscall(SYS_modify_ldt, 1, &entry, sizeof(entry)));
}

static int x86_arch_prctl(struct scene *scene)
{
	return walls_result(syscall(SYS_arch_prctl, ARCH_GET_FS, scene->page));
}

static int x86_alarm(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_alarm, 20));
}

const struct attempt attempts_of_arch[] = {
	{"call32-open", NULL, x86_open32, 0},
	{"call32-getpid", NULL, x86_getpid32, 0},
	{"call32-execve", NULL, x86_exec32, 0},
	{"x32-getpid", NULL, x86_getpid_x32, 0},
	{"x32-write", NULL, x86_write_x32, 0},
	{"open", NULL, x86_open, 0},
	{"creat", NULL, x86_creat, 0},
	{"old-stat", NULL, x86_stat, 0},
	{"access", NULL, x86_ask_access, 0},
	{"read-link", NULL, x86_read_link, 0},
	{"readlink", NULL, x86_readlink, BY_FILES},
	{"old-unlink", x86_make, x86_unlink, 0},
	{"fork", NULL, x86_fork, 0},
	{"vfork", NULL, x86_vfork, 0},
	{"iopl", NULL, x86_iopl, 0},
	{"ioperm", NULL, x86_ioperm, 0},
	{"modify-ldt", NULL, x86_modify_ldt, 0},
	{"arch-prctl", NULL, x86_arch_prctl, 0},
	{"alarm", NULL, x86_alarm, 0},
	{NULL, NULL, NULL, 0},
};
