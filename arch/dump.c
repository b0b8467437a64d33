/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a table into a file, whole or not at all, in a folder that is made if need be. */

#include "arch/dump.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/fd.h"

/* A device or a pipe is not ours to remove. */
static void dump_remove_half(int fd, const char *path)
{
	struct stat status;

	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		unlink(path);
}

int dump_folder(const char *what, const char *path, struct err *err)
{
	if (mkdir(path, 0777) == 0 || errno == EEXIST)
		return 0;
	return err_set(err, -errno, "%s: cannot create the folder %s: %s", what, path,
		       err_text(-errno));
}

int dump_file(const char *what, const char *path, const void *bytes, size_t size, struct err *err)
{
	int fd = fd_open_output(path, 0);
	int rc;

	if (fd < 0)
		return err_set(err, fd, "%s: cannot create %s: %s", what, path, fd_output_text(fd));
	rc = fd_write_all(fd, bytes, size);
	if (rc < 0)
		dump_remove_half(fd, path);
	if (close(fd) < 0 && rc == 0) {
		rc = -errno;
		unlink(path);
	}
	if (rc < 0)
		err_set(err, rc, "%s: cannot write %s: %s", what, path, err_text(rc));
	return rc;
}
