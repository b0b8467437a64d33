/* SPDX-License-Identifier: BSD-3-Clause */
/* aarch64's own: the monitor needs them in the place of x86_64's older ones. */

#include <fcntl.h>
#include <sys/syscall.h>

#include "tests/walls/attempt.h"

static int arm_ask_access(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_faccessat, AT_FDCWD, "/etc/passwd", R_OK));
}

static int arm_read_link(struct scene *scene)
{
	char name[64];

	(void)scene;
	return walls_result(
		syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", name, sizeof(name)));
}

const struct attempt attempts_of_arch[] = {
	{"access", NULL, arm_ask_access, BY_FILES},
	{"read-link", NULL, arm_read_link, BY_FILES},
	{NULL, NULL, NULL, 0},
};
