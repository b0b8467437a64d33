/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that are no business of the monitor's: read, written, made, renamed, removed. */

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "tests/walls/attempt.h"

static int files_read(int fd)
{
	char byte;

	return fd < 0 ? -errno : walls_result(read(fd, &byte, 1));
}

static int files_open_shadow(struct scene *scene)
{
	(void)scene;
	return files_read((int)syscall(SYS_openat, AT_FDCWD, "/etc/shadow", O_RDONLY));
}

static int files_open_status(struct scene *scene)
{
	(void)scene;
	return files_read((int)syscall(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY));
}

static int files_open_kvm(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_openat, AT_FDCWD, "/dev/kvm", O_RDWR));
}

static int files_open_mem(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_openat, AT_FDCWD, "/dev/mem", O_RDONLY));
}

static int files_open_null(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR));
}

static int files_openat2(struct scene *scene)
{
	struct open_how how = {.flags = O_RDONLY};

	(void)scene;
	return walls_result(syscall(SYS_openat2, AT_FDCWD, "/proc/self/status", &how, sizeof(how)));
}

static int files_write_own_memory(struct scene *scene)
{
	const uint64_t word = 1;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR);

	if (fd < 0)
		return -errno;
	return walls_result(pwrite(fd, &word, sizeof(word), (off_t)(uintptr_t)scene->page));
}

static int files_create(struct scene *scene)
{
	return walls_result(
		syscall(SYS_openat, AT_FDCWD, scene->path, O_CREAT | O_EXCL | O_WRONLY, 0600));
}

static int files_create_unnamed(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_RDWR, 0600));
}

/* A file of this process's at its path. */
static int files_make(struct scene *scene)
{
	return scene_open(scene, scene->path, O_CREAT | O_EXCL | O_RDWR);
}

static int files_unlink(struct scene *scene)
{
	return walls_result(syscall(SYS_unlinkat, AT_FDCWD, scene->path, 0));
}

static int files_rename(struct scene *scene)
{
	char to[sizeof(scene->path) + 4];

	(void)snprintf(to, sizeof(to), "%s.to", scene->path);
	if (syscall(SYS_renameat2, AT_FDCWD, scene->path, AT_FDCWD, to, 0) < 0)
		return -errno;
	return walls_result(unlink(to));
}

static int files_link(struct scene *scene)
{
	char to[sizeof(scene->path) + 4];

	(void)snprintf(to, sizeof(to), "%s.to", scene->path);
	if (syscall(SYS_linkat, AT_FDCWD, scene->path, AT_FDCWD, to, 0) < 0)
		return -errno;
	return walls_result(unlink(to));
}

static int files_symlink(struct scene *scene)
{
	return walls_result(syscall(SYS_symlinkat, "/etc/shadow", AT_FDCWD, scene->path));
}

static int files_chmod(struct scene *scene)
{
	return walls_result(syscall(SYS_fchmodat, AT_FDCWD, scene->path, 0777));
}

static int files_chmod_held(struct scene *scene)
{
	return walls_result(syscall(SYS_fchmod, scene->held, 0777));
}

static int files_chown(struct scene *scene)
{
	return walls_result(syscall(SYS_fchownat, AT_FDCWD, scene->path, getuid(), getgid(), 0));
}

static int files_chown_held(struct scene *scene)
{
	return walls_result(syscall(SYS_fchown, scene->held, getuid(), getgid()));
}

static int files_truncate(struct scene *scene)
{
	return walls_result(syscall(SYS_truncate, scene->path, 1L));
}

static int files_touch(struct scene *scene)
{
	return walls_result(syscall(SYS_utimensat, AT_FDCWD, scene->path, NULL, 0));
}

static int files_set_attribute(struct scene *scene)
{
	return walls_result(
		syscall(SYS_setxattr, scene->path, "trusted.walls", "x", (size_t)1, XATTR_CREATE));
}

static int files_make_pipe(struct scene *scene)
{
	return walls_result(syscall(SYS_mknodat, AT_FDCWD, scene->path, S_IFIFO | 0600, 0));
}

/* The second of /dev/mem and /dev/null's major number is the latter. */
static int files_make_device(struct scene *scene)
{
	return walls_result(syscall(SYS_mknodat, AT_FDCWD, scene->path, S_IFCHR | 0600, 0x103));
}

static int files_look(struct scene *scene)
{
	struct stat status;

	(void)scene;
	return walls_result(syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &status, 0));
}

static int files_look_closer(struct scene *scene)
{
	struct statx status;

	(void)scene;
	return walls_result(syscall(SYS_statx, AT_FDCWD, "/etc/passwd", 0, STATX_ALL, &status));
}

static int files_name_handle(struct scene *scene)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = {.head.handle_bytes = MAX_HANDLE_SZ};
	int mount;

	(void)scene;
	return walls_result(
		syscall(SYS_name_to_handle_at, AT_FDCWD, "/etc/passwd", &handle, &mount, 0));
}

/* The handle is in the page. */
static int files_prepare_handle(struct scene *scene)
{
	struct file_handle *handle = scene->page;
	int mount, rc = scene_open(scene, "/etc", O_RDONLY | O_DIRECTORY);

	if (rc)
		return rc;
	handle->handle_bytes = MAX_HANDLE_SZ;
	return walls_result(name_to_handle_at(AT_FDCWD, "/etc/passwd", handle, &mount, 0));
}

static int files_open_handle(struct scene *scene)
{
	return walls_result(syscall(SYS_open_by_handle_at, scene->held, scene->page, O_RDONLY));
}

static int files_copy(struct scene *scene)
{
	return walls_result(
		syscall(SYS_copy_file_range, scene->held, NULL, scene->other, NULL, (size_t)1, 0));
}

static int files_prepare_copy(struct scene *scene)
{
	int rc = scene_open(scene, "/proc/self/exe", O_RDONLY);

	if (rc)
		return rc;
	scene->other = open(scene->path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	return scene->other < 0 ? -errno : 0;
}

static int files_send(struct scene *scene)
{
	return walls_result(syscall(SYS_sendfile, scene->other, scene->held, NULL, (size_t)1));
}

static int files_lease(struct scene *scene)
{
	return walls_result(fcntl(scene->held, F_SETLEASE, F_WRLCK));
}

const struct attempt attempts_on_files[] = {
	{"open-shadow", NULL, files_open_shadow, 0},
	{"open-proc", NULL, files_open_status, 0},
	{"open-kvm", NULL, files_open_kvm, 0},
	{"open-mem", NULL, files_open_mem, 0},
	{"open-null", NULL, files_open_null, 0},
	{"openat2", NULL, files_openat2, 0},
	{"write-own-memory", NULL, files_write_own_memory, 0},
	{"create-file", NULL, files_create, 0},
	{"create-unnamed-file", NULL, files_create_unnamed, 0},
	{"unlink", files_make, files_unlink, 0},
	{"rename", files_make, files_rename, 0},
	{"link", files_make, files_link, 0},
	{"symlink", NULL, files_symlink, 0},
	{"chmod", files_make, files_chmod, 0},
	{"chmod-held-file", files_make, files_chmod_held, 0},
	{"chown", files_make, files_chown, 0},
	{"chown-held-file", files_make, files_chown_held, 0},
	{"truncate", files_make, files_truncate, 0},
	{"set-times", files_make, files_touch, 0},
	{"set-attribute", files_make, files_set_attribute, 0},
	{"make-pipe", NULL, files_make_pipe, 0},
	{"make-device", NULL, files_make_device, 0},
	{"stat", NULL, files_look, BY_FILES},
	{"statx", NULL, files_look_closer, 0},
	{"name-to-handle", NULL, files_name_handle, 0},
	{"open-by-handle", files_prepare_handle, files_open_handle, 0},
	{"copy-file-range", files_prepare_copy, files_copy, 0},
	{"sendfile", files_prepare_copy, files_send, 0},
	{"lease", files_make, files_lease, 0},
	{NULL, NULL, NULL, 0},
};
