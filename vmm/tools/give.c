/* SPDX-License-Identifier: BSD-3-Clause */
/* Gives the nodes of bound devices to the user who is to run guests with them. */

#include "vmm/tools/give.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio/host/cdev.h"

/* Name services are loaded at run time, which a static program cannot; the file is always there. */
static bool give_find_name(const char *passwd, const char *name, uid_t *user)
{
	FILE *file = fopen(passwd, "re");
	const struct passwd *entry;
	bool found = false;

	while (file && !found && (entry = fgetpwent(file))) {
		found = strcmp(entry->pw_name, name) == 0;
		if (found)
			*user = entry->pw_uid;
	}
	if (file)
		fclose(file);
	return found;
}

int give_find_user(const struct tool *tool, const char *name, uid_t *user, struct err *err)
{
	unsigned long number;
	char *end;

	if (*name == '\0')
		return err_set(err, -EINVAL, "--user: empty: it takes a user's name or number");
	if (give_find_name(tool->passwd, name, user))
		return 0;
	errno = 0;
	number = strtoul(name, &end, 10);
	/* The highest means "as it is" to chown(2). */
	if (*name < '0' || *name > '9' || *end || errno || number >= UINT_MAX)
		return err_set(err, -EINVAL,
			       "--user %.80s: %s has no such user: of one that is known elsewhere "
			       "give the number, id -u %.80s",
			       name, tool->passwd, name);
	*user = (uid_t)number;
	return 0;
}

static int give_look(const char *path, uid_t user)
{
	(void)user;
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static int give_own(const char *path, uid_t user)
{
	return fchownat(AT_FDCWD, path, user, (gid_t)-1, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

typedef int (*give_act)(const char *path, uid_t user);

static int give_node(const char *path, const char *address, give_act act, uid_t user,
		     struct err *err)
{
	int rc = act(path, user);

	if (rc == -ENOENT)
		return err_set(err, rc, "%s: there is no %s: udevadm trigger --settle", address,
			       path);
	if (rc)
		return err_set(err, rc, "%s: %s cannot be given to user %u: %s", address, path,
			       user, err_text(rc));
	return 0;
}

/* A kernel without CONFIG_VFIO_GROUP has the device's own node alone. */
static int give_both(const struct tool *tool, const struct vfio_host_device *host, give_act act,
		     uid_t user, struct err *err)
{
	const char *address = host->sysfs.address;
	char path[PATH_MAX];
	bool own = vfio_cdev_find(&host->sysfs, tool->dev, path, sizeof(path)) == 0;
	int rc = own ? give_node(path, address, act, user, err) : 0;

	snprintf(path, sizeof(path), "%s/vfio/%u", tool->dev, host->group);
	if (rc || (own && give_look(path, user) == -ENOENT))
		return rc;
	return give_node(path, address, act, user, err);
}

int give_check_nodes(const struct tool *tool, const struct vfio_host_device *host, struct err *err)
{
	return give_both(tool, host, give_look, 0, err);
}

int give_nodes(const struct tool *tool, const struct vfio_host_device *host, uid_t user,
	       struct err *err)
{
	return give_both(tool, host, give_own, user, err);
}
