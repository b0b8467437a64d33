/* SPDX-License-Identifier: BSD-3-Clause */
/* Folders: other roots, other mounts, and ways out of the one folder that the monitor holds. */

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/walls/attempt.h"

static const unsigned long bind_mount =
	4096; /* MS_BIND of <sys/mount.h>, which <linux/mount.h> excludes */

/* Mounts that are nobody else's. */
static int folders_be_alone(struct scene *scene)
{
	return scene_be_alone(scene);
}

/* The same with a folder at the path. */
static int folders_make(struct scene *scene)
{
	int rc = scene_be_alone(scene);

	return rc ? rc : walls_result(mkdir(scene->path, 0700));
}

static int folders_mkdir(struct scene *scene)
{
	return walls_result(syscall(SYS_mkdirat, AT_FDCWD, scene->path, 0700));
}

static int folders_chdir(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_chdir, "/etc"));
}

static int folders_hold_root(struct scene *scene)
{
	return scene_open(scene, "/", O_RDONLY | O_DIRECTORY);
}

static int folders_fchdir(struct scene *scene)
{
	return walls_result(syscall(SYS_fchdir, scene->held));
}

static int folders_chroot(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_chroot, "/tmp"));
}

static int folders_mount(struct scene *scene)
{
	return walls_result(syscall(SYS_mount, "walls", scene->path, "tmpfs", 0UL, NULL));
}

static int folders_mount_bind(struct scene *scene)
{
	return walls_result(syscall(SYS_mount, "/etc", scene->path, NULL, bind_mount, NULL));
}

/* The same with something mounted there. */
static int folders_prepare_mount(struct scene *scene)
{
	int rc = folders_make(scene);

	return rc ? rc : folders_mount(scene);
}

static int folders_umount(struct scene *scene)
{
	return walls_result(syscall(SYS_umount2, scene->path, 0));
}

static int folders_prepare_pivot(struct scene *scene)
{
	int rc = folders_prepare_mount(scene);

	return rc ? rc : walls_result(chdir(scene->path));
}

static int folders_pivot_root(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_pivot_root, ".", "."));
}

static int folders_fsopen(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC));
}

static int folders_fspick(struct scene *scene)
{
	return walls_result(syscall(SYS_fspick, AT_FDCWD, scene->path, FSPICK_CLOEXEC));
}

static int folders_open_tree(struct scene *scene)
{
	(void)scene;
	return walls_result(
		syscall(SYS_open_tree, AT_FDCWD, "/etc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

static int folders_prepare_tree(struct scene *scene)
{
	int rc = folders_make(scene);

	if (rc)
		return rc;
	scene->held =
		(int)syscall(SYS_open_tree, AT_FDCWD, "/etc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return scene->held < 0 ? -errno : 0;
}

static int folders_move_mount(struct scene *scene)
{
	return walls_result(syscall(SYS_move_mount, scene->held, "", AT_FDCWD, scene->path,
				    MOVE_MOUNT_F_EMPTY_PATH));
}

static int folders_mount_setattr(struct scene *scene)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	return walls_result(
		syscall(SYS_mount_setattr, AT_FDCWD, scene->path, 0, &attr, sizeof(attr)));
}

static int folders_unshare_mounts(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_unshare, CLONE_NEWNS));
}

static int folders_unshare_users(struct scene *scene)
{
	(void)scene;
	return walls_result(syscall(SYS_unshare, CLONE_NEWUSER));
}

static int folders_hold_namespace(struct scene *scene)
{
	return scene_open(scene, "/proc/self/ns/uts", O_RDONLY);
}

static int folders_setns(struct scene *scene)
{
	return walls_result(syscall(SYS_setns, scene->held, CLONE_NEWUTS));
}

/* The name of a folder that is held is no way into another. */
static int folders_open_held(struct scene *scene)
{
	return walls_result(syscall(SYS_openat, scene->held, "etc/passwd", O_RDONLY));
}

static int folders_stat_held(struct scene *scene)
{
	struct stat status;

	return walls_result(syscall(SYS_newfstatat, scene->held, "etc/passwd", &status, 0));
}

static int folders_unlink_held(struct scene *scene)
{
	return walls_result(syscall(SYS_unlinkat, scene->held, scene->path + 1, 0));
}

static int folders_prepare_unlink(struct scene *scene)
{
	int fd = open(scene->path, O_CREAT | O_EXCL | O_RDWR, 0600);

	if (fd < 0)
		return -errno;
	return folders_hold_root(scene);
}

const struct attempt attempts_on_folders[] = {
	{"mkdir", NULL, folders_mkdir, 0},
	{"chdir", NULL, folders_chdir, 0},
	{"fchdir", folders_hold_root, folders_fchdir, 0},
	{"chroot", NULL, folders_chroot, 0},
	{"mount", folders_make, folders_mount, 0},
	{"mount-bind", folders_make, folders_mount_bind, 0},
	{"umount", folders_prepare_mount, folders_umount, 0},
	{"pivot-root", folders_prepare_pivot, folders_pivot_root, 0},
	{"fsopen", folders_be_alone, folders_fsopen, 0},
	{"fspick", folders_prepare_mount, folders_fspick, 0},
	{"open-tree", folders_be_alone, folders_open_tree, 0},
	{"move-mount", folders_prepare_tree, folders_move_mount, 0},
	{"mount-setattr", folders_prepare_mount, folders_mount_setattr, 0},
	{"unshare-mounts", NULL, folders_unshare_mounts, 0},
	{"unshare-users", NULL, folders_unshare_users, 0},
	{"setns", folders_hold_namespace, folders_setns, 0},
	{"open-below-another", folders_hold_root, folders_open_held, 0},
	{"stat-below-another", folders_hold_root, folders_stat_held, BY_FILES},
	{"unlink-below-another", folders_prepare_unlink, folders_unlink_held, 0},
	{NULL, NULL, NULL, 0},
};
