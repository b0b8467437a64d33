/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel and initrd files, opened once for the machine's life. */

#include "vmm/machine/bootfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "vmm/base/fd.h"

/* How large it is now. */
static int bootfile_measure(struct boot_file *file, const char *what, struct err *err)
{
	struct stat status;

	if (fstat(file->fd, &status) || !S_ISREG(status.st_mode))
		return err_set(err, -EINVAL, "%s: %s: not a regular file", what, file->path);
	file->size = (uint64_t)status.st_size;
	if (!file->size)
		return err_set(err, -EINVAL, "%s: %s: the file is empty", what, file->path);
	return 0;
}

static int bootfile_open(struct boot_file *file, const char *what, const char *path,
			 struct err *err)
{
	int rc;

	/* Without O_NONBLOCK, opening a pipe that nobody writes would wait. */
	*file = (struct boot_file){
		.path = path,
		.fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC),
	};
	if (file->fd < 0)
		return err_set(err, -errno, "%s: %s: cannot be read: %s", what, path,
			       err_text(errno));
	rc = bootfile_measure(file, what, err);
	if (rc)
		fd_close(&file->fd);
	return rc;
}

int bootfiles_open(struct boot_source *boot, const struct config *config, struct err *err)
{
	int rc;

	*boot = (struct boot_source){.kernel = {.fd = -1}, .cmdline = config->cmdline};
	rc = bootfile_open(&boot->kernel, "kernel", config->kernel, err);
	for (size_t i = 0; i < config->initrd_count && !rc; i++) {
		rc = bootfile_open(&boot->initrds[i], "initrd", config->initrds[i], err);
		if (!rc)
			boot->initrd_count++;
	}
	if (rc)
		bootfiles_close(boot);
	return rc;
}

int bootfiles_measure(struct boot_source *boot, struct err *err)
{
	int rc = bootfile_measure(&boot->kernel, "kernel", err);

	for (size_t i = 0; i < boot->initrd_count && !rc; i++)
		rc = bootfile_measure(&boot->initrds[i], "initrd", err);
	return rc;
}

void bootfiles_close(struct boot_source *boot)
{
	fd_close(&boot->kernel.fd);
	while (boot->initrd_count)
		fd_close(&boot->initrds[--boot->initrd_count].fd);
}
