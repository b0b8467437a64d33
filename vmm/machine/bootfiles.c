/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel and initrd files, opened once for the machine's life. */

#include "vmm/machine/bootfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/files.h"

enum { PIPE_CHUNK = 64 * 1024 };

static int bootfile_refuse(const struct boot_file *file, const char *what, int rc, struct err *err)
{
	return err_set(err, rc, "%s: %s: its size cannot be had: %s", what, file->path,
		       err_text(rc));
}

/* How large it is now. */
static int bootfile_measure(struct boot_file *file, const char *what, struct err *err)
{
	struct stat status;
	int rc = files_stat(file->fd, &status);

	if (rc)
		return bootfile_refuse(file, what, rc, err);
	if (!S_ISREG(status.st_mode))
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

/* What there is to read of a pipe, which somebody writes yet; 0: its end. */
static ssize_t bootfile_read_pipe(int pipe, void *bytes, size_t size)
{
	struct pollfd wait = {.fd = pipe, .events = POLLIN};
	ssize_t n;

	while ((n = read(pipe, bytes, size)) < 0 && (errno == EAGAIN || errno == EINTR))
		poll(&wait, 1, -1);
	return n < 0 ? -errno : n;
}

/* All that comes of @pipe, @most bytes at most, into @copy. */
static int bootfile_drain(int pipe, int copy, uint64_t most)
{
	char bytes[PIPE_CHUNK];
	ssize_t n;
	int rc = 0;

	while (!rc && (n = bootfile_read_pipe(pipe, bytes, sizeof(bytes))) > 0) {
		if ((uint64_t)n > most)
			return -EFBIG;
		most -= (uint64_t)n;
		rc = fd_write_all(copy, bytes, (size_t)n);
	}
	return rc ? rc : (int)n;
}

/* A pipe is read once, and the guest may be loaded again: what comes of it is kept. */
static int bootfile_keep_pipe(struct boot_file *file, const char *what, uint64_t most,
			      struct err *err)
{
	int copy = fd_create_memory("boot", 0);
	int rc = copy < 0 ? copy : bootfile_drain(file->fd, copy, most);

	fd_close(&file->fd);
	file->fd = copy;
	if (rc == -EFBIG)
		return err_set(err, rc,
			       "%s: %s: more came of the pipe than guest memory holds, %" PRIu64
			       " MiB",
			       what, file->path, most / MIB);
	return rc ? err_set(err, rc, "%s: %s: its pipe cannot be read: %s", what, file->path,
			    err_text(rc))
		  : 0;
}

/* One that somebody else has opened. */
static int bootfile_take(struct boot_file *file, const char *what, const char *path, int fd,
			 uint64_t most, struct err *err)
{
	struct stat status;
	int rc;

	*file = (struct boot_file){.path = path, .fd = fd};
	if (fstat(fd, &status))
		rc = bootfile_refuse(file, what, -errno, err);
	else if (S_ISFIFO(status.st_mode))
		rc = bootfile_keep_pipe(file, what, most, err);
	else
		rc = 0;
	if (!rc)
		rc = bootfile_measure(file, what, err);
	if (rc)
		fd_close(&file->fd);
	return rc;
}

static int bootfile_get(struct boot_file *file, const char *what, const char *path, int fd,
			uint64_t most, struct err *err)
{
	return fd ? bootfile_take(file, what, path, fd, most, err)
		  : bootfile_open(file, what, path, err);
}

int bootfiles_open(struct boot_source *boot, const struct config *config, struct err *err)
{
	int rc;

	*boot = (struct boot_source){.kernel = {.fd = -1}, .cmdline = config->cmdline};
	rc = bootfile_get(&boot->kernel, "kernel", config->kernel, config->kernel_fd,
			  config->memory, err);
	for (size_t i = 0; i < config->initrd_count && !rc; i++) {
		rc = bootfile_get(&boot->initrds[i], "initrd", config->initrds[i],
				  config->initrd_fds[i], config->memory, err);
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
