/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory: code that was data, faults and buffers by the kernel's other doors, shared segments. */

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <mqueue.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "tests/walls/attempt.h"

static const unsigned long upper_half = 1UL << 32;

static int memory_mapped(long address)
{
	return address < 0 && address > -4096 ? (int)address : address == -1 ? -errno : 0;
}

static int memory_map(unsigned long access, int flags, int fd)
{
	return memory_mapped(syscall(SYS_mmap, NULL, sysconf(_SC_PAGESIZE), access, flags, fd, 0L));
}

static int memory_map_code(struct scene *scene)
{
	(void)scene;
	return memory_map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static int memory_map_code_only(struct scene *scene)
{
	(void)scene;
	return memory_map(PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* The kernel looks at the bits that it knows. */
static int memory_map_code_upper_half(struct scene *scene)
{
	(void)scene;
	return memory_map(upper_half | PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static int memory_hold_self(struct scene *scene)
{
	return scene_open(scene, "/proc/self/exe", O_RDONLY);
}

static int memory_map_file(struct scene *scene)
{
	return memory_map(PROT_READ | PROT_EXEC, MAP_PRIVATE, scene->held);
}

static int memory_protect(struct scene *scene)
{
	return walls_result(syscall(SYS_mprotect, scene->page, sysconf(_SC_PAGESIZE),
				    PROT_READ | PROT_WRITE | PROT_EXEC));
}

static int memory_protect_key(struct scene *scene)
{
	return walls_result(syscall(SYS_pkey_mprotect, scene->page, sysconf(_SC_PAGESIZE),
				    PROT_READ | PROT_EXEC, -1));
}

static int memory_userfaultfd(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int memory_io_uring(struct scene *scene)
{
	struct io_uring_params params = {0};

	(void)scene;
	return walls_result(syscall(SYS_io_uring_setup, 1, &params));
}

static int memory_hold_ring(struct scene *scene)
{
	struct io_uring_params params = {0};

	scene->held = (int)syscall(SYS_io_uring_setup, 1, &params);
	return scene->held < 0 ? -errno : 0;
}

static int memory_io_uring_enter(struct scene *scene)
{
	return walls_result(syscall(SYS_io_uring_enter, scene->held, 0, 0, 0, NULL, 0UL));
}

static int memory_aio(struct scene *scene)
{
	aio_context_t context = 0;

	(void)scene;
	return walls_result(syscall(SYS_io_setup, 1, &context));
}

static int memory_hold_pipe(struct scene *scene)
{
	int ends[2], rc = walls_result(pipe2(ends, O_CLOEXEC | O_NONBLOCK));

	if (!rc) {
		scene->held = ends[0];
		scene->other = ends[1];
	}
	return rc;
}

static int memory_vmsplice(struct scene *scene)
{
	struct iovec part = {scene->page, 1};

	return walls_result(syscall(SYS_vmsplice, scene->other, &part, 1UL, 0U));
}

/* There is nothing in it. */
static int memory_splice(struct scene *scene)
{
	return walls_reached(syscall(SYS_splice, scene->held, NULL, scene->other, NULL, (size_t)1,
				     1U | 2U),
			     EINVAL);
}

static int memory_secret(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_memfd_secret, O_CLOEXEC));
}

static int memory_remap_file_pages(struct scene *scene)
{
	return walls_reached(syscall(SYS_remap_file_pages, scene->page, sysconf(_SC_PAGESIZE), 0,
				     0UL, 0),
			     EINVAL);
}

static int memory_shmget(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_shmget, IPC_PRIVATE, (size_t)4096, IPC_CREAT | 0600));
}

static int memory_hold_segment(struct scene *scene)
{
	int rc = scene_be_alone(scene);

	if (rc)
		return rc;
	scene->other = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	return scene->other < 0 ? -errno : 0;
}

static int memory_shmat_code(struct scene *scene)
{
	return memory_mapped(syscall(SYS_shmat, scene->other, NULL, SHM_EXEC));
}

static int memory_msgget(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_msgget, IPC_PRIVATE, IPC_CREAT | 0600));
}

static int memory_semget(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_semget, IPC_PRIVATE, 1, IPC_CREAT | 0600));
}

static int memory_mq_open(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_mq_open, "walls", O_CREAT | O_RDWR, 0600, NULL));
}

static int memory_lock_all(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_mlockall, MCL_FUTURE | MCL_ONFAULT));
}

const struct attempt attempts_on_memory[] = {
	{"mmap-code", NULL, memory_map_code, 0},
	{"mmap-code-only", NULL, memory_map_code_only, 0},
	{"mmap-code-upper-half", NULL, memory_map_code_upper_half, 0},
	{"mmap-code-of-file", memory_hold_self, memory_map_file, 0},
	{"mprotect-code", NULL, memory_protect, 0},
	{"pkey-mprotect-code", NULL, memory_protect_key, 0},
	{"userfaultfd", NULL, memory_userfaultfd, 0},
	{"io-uring-setup", NULL, memory_io_uring, 0},
	{"io-uring-enter", memory_hold_ring, memory_io_uring_enter, BY_IO},
	{"io-setup", NULL, memory_aio, 0},
	{"vmsplice", memory_hold_pipe, memory_vmsplice, 0},
	{"splice", memory_hold_pipe, memory_splice, 0},
	{"memfd-secret", NULL, memory_secret, 0},
	{"remap-file-pages", NULL, memory_remap_file_pages, 0},
	{"shmget", scene_be_alone, memory_shmget, 0},
	{"shmat-code", memory_hold_segment, memory_shmat_code, 0},
	{"msgget", scene_be_alone, memory_msgget, 0},
	{"semget", scene_be_alone, memory_semget, 0},
	{"mq-open", scene_be_alone, memory_mq_open, 0},
	{"mlockall", NULL, memory_lock_all, 0},
	{NULL, NULL, NULL, 0},
};
