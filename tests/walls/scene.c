/* SPDX-License-Identifier: BSD-3-Clause */
/* What attempts find: another process, descriptors, mounts of their own. */

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "tests/walls/attempt.h"

/* It ends with its parent, of which a pipe tells: no signal of the dying goes through Landlock. */
static void scene_target(int parent)
{
	char byte;

	/* Some kernels let only those trace that are named. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	while (read(parent, &byte, 1) > 0 || errno == EINTR)
		continue;
}

int scene_begin_target(struct scene *scene)
{
	int ends[2];

	/* Open until this process is no more. */
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	scene->target = fork();
	if (scene->target == 0) {
		close(ends[1]);
		scene_target(ends[0]);
		_exit(0);
	}
	close(ends[0]);
	return scene->target < 0 ? -errno : 0;
}

int scene_open(struct scene *scene, const char *path, int flags)
{
	scene->held = open(path, flags | O_CLOEXEC, 0600);
	return scene->held < 0 ? -errno : 0;
}

void *scene_map_low(void)
{
	for (uintptr_t at = 1; at < 64; at++) {
		void *page = mmap((void *)(at << 32), (size_t)sysconf(_SC_PAGESIZE),
				  PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (page == (void *)(at << 32))
			return page;
		if (page != MAP_FAILED)
			munmap(page, (size_t)sysconf(_SC_PAGESIZE));
	}
	return NULL;
}

int scene_be_alone(struct scene *scene)
{
	(void)scene;
	if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC))
		return -errno;
	return walls_result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}
