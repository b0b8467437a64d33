/* SPDX-License-Identifier: BSD-3-Clause */
/* Another user than root for the rest of the run, in a root folder without files. */

#include "vmm/sandbox/user.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/log.h"

enum { USER_NAME_MAX = 64 };

/* A decimal number that an id may be: the last one says "none" to setresuid(2). */
static bool user_parse_id(const char *text, unsigned int *id)
{
	unsigned long long number;

	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 10)
		return false;
	number = strtoull(text, NULL, 10);
	*id = (unsigned int)number;
	return number < UINT_MAX;
}

/* getpwnam(3) would load the C library's modules, which a static program has not. */
static FILE *user_open(const char *etc, const char *name, struct err *err)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", etc, name);
	file = fopen(path, "re");
	if (!file)
		err_set(err, -EINVAL, "%s cannot be read: %s: give numbers, as in 65534:65534",
			path, err_text(errno));
	return file;
}

/* The first with @name, or with the id that it is. */
static int user_find_group(const char *etc, const char *name, struct user *user, struct err *err)
{
	const struct group *group;
	unsigned int id;
	FILE *file;

	if (user_parse_id(name, &id)) {
		user->gid = id;
		return 0;
	}
	file = user_open(etc, "group", err);
	if (!file)
		return err->code;
	while ((group = fgetgrent(file)) && strcmp(group->gr_name, name) != 0)
		;
	if (group)
		user->gid = group->gr_gid;
	fclose(file);
	return group ? 0
		     : err_set(err, -EINVAL,
			       "there is no group '%.64s' in %s/group: give its number", name, etc);
}

static int user_find_name(const char *etc, const char *name, struct user *user, bool group_given,
			  struct err *err)
{
	const struct passwd *entry;
	unsigned int id = 0;
	bool numeric = user_parse_id(name, &id);
	FILE *file;

	user->uid = id;
	if (numeric && group_given)
		return 0;
	file = user_open(etc, "passwd", err);
	if (!file)
		return err->code;
	while ((entry = fgetpwent(file)) &&
	       (numeric ? entry->pw_uid != id : strcmp(entry->pw_name, name) != 0))
		;
	if (entry) {
		user->uid = entry->pw_uid;
		user->gid = group_given ? user->gid : entry->pw_gid;
	}
	fclose(file);
	if (entry)
		return 0;
	return err_set(err, -EINVAL,
		       "there is no user '%.64s' in %s/passwd: give its numbers, as in 65534:65534",
		       name, etc);
}

int user_find(const char *etc, const char *text, struct user *user, struct err *err)
{
	const char *colon = strchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : strlen(text);
	char name[USER_NAME_MAX];
	int rc = 0;

	*user = (struct user){0};
	if (length == 0 || length >= sizeof(name) || (colon && !colon[1]))
		return err_set(err, -EINVAL,
			       "'%.64s': it takes a user's name or number, and perhaps a group "
			       "behind a colon",
			       text);
	memcpy(name, text, length);
	name[length] = '\0';
	if (colon)
		rc = user_find_group(etc, colon + 1, user, err);
	if (!rc)
		rc = user_find_name(etc, name, user, colon, err);
	if (rc)
		return rc;
	if (user->uid == 0)
		return err_set(err, -EINVAL, "'%.64s': it is root: leave it out, or name another",
			       text);
	if (user->gid == 0)
		return err_set(err, -EINVAL,
			       "'%.64s': its group is root's: give another behind a colon", text);
	return 0;
}

int user_check(struct err *err)
{
	if (geteuid() == 0)
		return 0;
	return err_set(err, -EPERM,
		       "only root becomes another user, and this is user %u: leave it out",
		       (unsigned int)geteuid());
}

/* Each is had by itself: a container may refuse one of them. Whether files, the last one, are. */
static bool user_leave_neighbours(void)
{
	static const struct {
		int flag;
		const char *name;
	} rows[] = {
		{CLONE_NEWIPC, "IPC"},
		{CLONE_NEWNET, "network"},
		{CLONE_NEWNS, "files"},
	};
	bool own_files = false;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		own_files = unshare(rows[i].flag) == 0;
		if (!own_files)
			log_info("--user: no namespace of its own for %s: %s", rows[i].name,
				 err_text(errno));
	}
	return own_files;
}

/* What stays to be read: what the host tells of its devices. */
static int user_fill_folder(void)
{
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mkdir("sys", 0555) || mount("/sys", "sys", NULL, MS_BIND | MS_REC, NULL) ||
	    mount(NULL, "sys", NULL, MS_REMOUNT | MS_BIND | flags, NULL))
		return -errno;
	return mount(NULL, ".", NULL, MS_REMOUNT | flags, "mode=0555") ? -errno : 0;
}

/* An empty folder, somewhere: what was there stays as it is for all others. */
static int user_mount_folder(void)
{
	static const char *const places[] = {"/tmp", "/run", "/mnt", "/dev", "/"};
	int rc = -ENOENT;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (mount("none", places[i], "tmpfs", 0, "mode=0555,nr_inodes=3") == 0)
			return chdir(places[i]) ? -errno : user_fill_folder();
		rc = -errno;
	}
	return rc;
}

/*
 * The new folder becomes the root, and all other mounts leave the namespace. The kernel's first
 * root, of an initramfs, cannot leave: that is mounted over.
 */
static int user_enter_folder(void)
{
	if (syscall(SYS_pivot_root, ".", ".") == 0)
		return umount2(".", MNT_DETACH) || chdir("/") ? -errno : 0;
	if (errno != EINVAL)
		return -errno;
	if (mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		return -errno;
	return 0;
}

static void user_change_root(void)
{
	int rc = user_mount_folder();

	if (!rc)
		rc = user_enter_folder();
	if (rc)
		log_info("--user: the root folder is the host's: %s", err_text(rc));
}

int user_change(const struct user *user, bool keep, struct err *err)
{
	if (user_leave_neighbours())
		user_change_root();
	if (keep && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
		return err_set(err, -errno, "--user: capabilities: %s", err_text(errno));
	if (setgroups(0, NULL))
		return err_set(err, -errno, "--user: supplementary groups: %s", err_text(errno));
	if (setresgid(user->gid, user->gid, user->gid))
		return err_set(err, -errno, "--user: group %u: %s", (unsigned int)user->gid,
			       err_text(errno));
	if (setresuid(user->uid, user->uid, user->uid))
		return err_set(err, -errno, "--user: user %u: %s", (unsigned int)user->uid,
			       err_text(errno));
	return 0;
}
