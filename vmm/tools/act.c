/* SPDX-License-Identifier: BSD-3-Clause */
/* The only calls by which a tool changes the host. */

#include "vmm/tools/act.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/base/fd.h"

int act_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;
	ssize_t written;

	if (fd < 0)
		return -errno;
	do
		written = write(fd, text, strlen(text));
	while (written < 0 && errno == EINTR);
	if (written < 0)
		rc = -errno;
	else if ((size_t)written != strlen(text))
		rc = -EIO;
	fd_close(&fd);
	return rc;
}

int act_load_module(const char *name)
{
	char program[] = "modprobe", text[64];
	char *arguments[] = {program, text, NULL};
	int rc, status;
	pid_t child;

	if (strlen(name) >= sizeof(text))
		return -ENAMETOOLONG;
	strcpy(text, name);
	rc = posix_spawnp(&child, program, NULL, NULL, arguments, environ);
	/* An ordinary user's PATH may lack it. */
	if (rc == ENOENT)
		rc = posix_spawn(&child, "/sbin/modprobe", NULL, NULL, arguments, environ);
	if (rc)
		return -rc;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}
