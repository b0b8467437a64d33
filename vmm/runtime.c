/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a user's running monitors are listed: a folder with a link to each one's control socket. */

#include "vmm/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int runtime_folder(const char *run, char folder[PATH_MAX], struct err *err)
{
	const char *own = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		snprintf(folder, PATH_MAX, "%s/ferry/monitors", run);
	else if (own && *own == '/')
		snprintf(folder, PATH_MAX, "%s/ferry", own);
	else
		return err_set(err, -ENOENT,
			       "monitors are listed in XDG_RUNTIME_DIR, which is not set");
	return 0;
}

int runtime_entry(const char *run, const char *pid, char path[PATH_MAX], struct err *err)
{
	int rc = runtime_folder(run, path, err);
	size_t length;

	if (rc)
		return rc;
	length = strlen(path);
	if ((size_t)snprintf(path + length, PATH_MAX - length, "/%s.sock", pid) >=
	    PATH_MAX - length)
		return err_set(err, -ENAMETOOLONG, "%s: %s", path, err_text(ENAMETOOLONG));
	return 0;
}

/* Every folder on the way that is Ferry's. */
static int runtime_make_folder(const char *run, const char *folder, struct err *err)
{
	char parent[PATH_MAX];
	struct stat status;

	snprintf(parent, sizeof(parent), "%s/ferry", run);
	if (geteuid() == 0 && mkdir(parent, 0755) && errno != EEXIST)
		return err_set(err, -errno, "%s: %s", parent, err_text(errno));
	if (mkdir(folder, 0700) && errno != EEXIST)
		return err_set(err, -errno, "%s: %s", folder, err_text(errno));
	if (lstat(folder, &status))
		return err_set(err, -errno, "%s: %s", folder, err_text(errno));
	if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || status.st_mode & 022)
		return err_set(err, -EPERM, "%s: it is no folder of this user's alone", folder);
	return 0;
}

int runtime_enter(const char *run, const char *socket, char path[PATH_MAX], struct err *err)
{
	char whole[PATH_MAX], pid[24];
	int rc;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	rc = runtime_folder(run, whole, err);
	if (!rc)
		rc = runtime_make_folder(run, whole, err);
	if (!rc)
		rc = runtime_entry(run, pid, path, err);
	if (rc)
		return rc;
	if (!realpath(socket, whole))
		return err_set(err, -errno, "%s: %s", socket, err_text(errno));
	/* One of a process before that had this number. */
	unlink(path);
	if (symlink(whole, path))
		return err_set(err, -errno, "%s: %s", path, err_text(errno));
	return 0;
}
