/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a command as an ordinary user with a limit on locked memory. */

#define _GNU_SOURCE
#include <err.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

int as_user_main(int argc, char **argv)
{
	struct rlimit limit = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
	unsigned int id;

	if (argc < 4)
		errx(2, "as-user: UID MEMLOCK-KIB COMMAND...");
	id = (unsigned int)strtoul(argv[1], NULL, 10);
	if (strcmp(argv[2], "unlimited") != 0)
		limit.rlim_cur = limit.rlim_max = strtoul(argv[2], NULL, 10) * 1024;
	if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		err(1, "as-user: the limit of locked memory");
	if (setgroups(0, NULL) != 0 || setgid(id) != 0 || setuid(id) != 0)
		err(1, "as-user: user %u", id);
	execvp(argv[3], argv + 3);
	err(127, "%s", argv[3]);
}
