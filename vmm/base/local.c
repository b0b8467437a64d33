/* SPDX-License-Identifier: BSD-3-Clause */
/* Unix sockets with a name: bound as their owner's alone, in the place of one that was left. */

#include "vmm/base/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/files.h"
#include "vmm/base/held.h"
#include "vmm/base/log.h"
#include "vmm/base/owner.h"

/* How long another may need for it. */
enum { LOCK_TRIES = 50, LOCK_PAUSE_US = 10000 };

int local_address(const char *path, struct sockaddr_un *address, struct err *err)
{
	size_t length = strlen(path);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (length == 0)
		return err_set(err, -EINVAL, "no path: give one, such as /run/guest.sock");
	if (length >= sizeof(address->sun_path))
		return err_set(err, -EINVAL,
			       "the path is too long for a socket: give one of at most %zu bytes",
			       sizeof(address->sun_path) - 1);
	memcpy(address->sun_path, path, length + 1);
	return 0;
}

int local_connect(const struct sockaddr_un *address, int flags)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc = fd < 0 ? -errno : 0;

	if (!rc && connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		rc = -errno;
	if (!rc && !(flags & SOCK_NONBLOCK) && fcntl(fd, F_SETFL, 0))
		rc = -errno;
	if (rc)
		fd_close(&fd);
	return rc ? rc : fd;
}

bool local_is_other(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 && !S_ISSOCK(file.st_mode);
}

/* As local_reach_first(), by name alone. */
static int local_reach(const char *path, int flags, struct err *err)
{
	struct sockaddr_un address;
	int rc = local_address(path, &address, err);

	if (rc)
		return rc;
	rc = local_connect(&address, flags);
	if (rc >= 0)
		return rc;
	if (rc == -ENOENT || rc == -ECONNREFUSED)
		return err_set(err, rc, "%s: no server listens there: start it first",
			       err_text(rc));
	/* Those that it has not taken yet are as many as it lets wait. */
	if (rc == -EAGAIN)
		return err_set(err, rc,
			       "its server takes no connection: it has another client, or hangs");
	return err_set(err, rc, "%s", err_text(rc));
}

int local_reach_first(const char *path, int flags, struct err *err)
{
	int rc = local_reach(path, flags, err);

	if (rc == -ECONNREFUSED && local_is_other(path))
		return err_set(err, -ENOTSOCK,
			       "it is no socket: give the path that its server listens at");
	return rc;
}

/* A socket that nobody listens at any more is left of a program that was killed. */
static int local_clear_path(const struct sockaddr_un *address, struct err *err)
{
	struct stat file;
	int fd;

	if (lstat(address->sun_path, &file))
		return errno == ENOENT ? 0 : err_set(err, -errno, "%s", err_text(errno));
	if (!S_ISSOCK(file.st_mode))
		return err_set(err, -EEXIST,
			       "there is something else than a socket: give another path");
	fd = local_connect(address, SOCK_NONBLOCK);
	/* For other reasons somebody may still want it. */
	if (fd != -ECONNREFUSED) {
		fd_close(&fd);
		return err_set(err, -EADDRINUSE,
			       "another program listens there: give another path");
	}
	if (unlink(address->sun_path) && errno != ENOENT)
		return err_set(err, -errno, "the socket there cannot be removed: %s",
			       err_text(errno));
	log_notice("%s: the socket of a run that was killed is replaced", address->sun_path);
	return 0;
}

/*
 * Two that find the same socket left must not both replace it: the second would take the name of
 * one that the first has bound and does not listen at yet. A folder that cannot be locked, or that
 * others lock for long, is done without. -1: not locked.
 */
static int local_lock_folder(const struct sockaddr_un *address)
{
	char folder[sizeof(address->sun_path) + 1];
	const char *slash = strrchr(address->sun_path, '/');
	int fd, rc = -1;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - address->sun_path) + 1 : 1,
		 slash ? address->sun_path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	for (int tries = 0; tries < LOCK_TRIES; tries++) {
		rc = flock(fd, LOCK_EX | LOCK_NB);
		if (rc == 0 || errno != EWOULDBLOCK)
			break;
		usleep(LOCK_PAUSE_US);
	}
	if (rc)
		fd_close(&fd);
	return fd;
}

static int local_take_name(int fd, const struct sockaddr_un *address, int backlog,
			   struct local_name *name, struct err *err)
{
	int rc = local_clear_path(address, err);
	struct stat file;

	if (rc)
		return rc;
	if (fchmod(fd, 0600) || bind(fd, (const struct sockaddr *)address, sizeof(*address)))
		return err_set(err, -errno, "cannot be made: %s", err_text(errno));
	memcpy(name->path, address->sun_path, sizeof(name->path));
	owner_give(name->path);
	if (lstat(name->path, &file) == 0) {
		name->folder = held_add_folder_of(name->path);
		name->made = true;
		name->device = file.st_dev;
		name->inode = file.st_ino;
	}
	if (listen(fd, backlog)) {
		rc = -errno;
		local_unbind(name);
		return err_set(err, rc, "cannot listen there: %s", err_text(rc));
	}
	return 0;
}

int local_bind(int fd, const struct sockaddr_un *address, int backlog, struct local_name *name,
	       struct err *err)
{
	int folder = local_lock_folder(address);
	int rc = local_take_name(fd, address, backlog, name, err);

	fd_close(&folder);
	return rc;
}

void local_unbind(struct local_name *name)
{
	const char *path = name->folder < 0 ? name->path : held_name(name->path);
	int folder = name->folder < 0 ? AT_FDCWD : name->folder;
	struct stat file;
	int rc;

	if (!name->made)
		return;
	rc = files_stat_at(folder, path, &file);
	if (!rc && file.st_dev == name->device && file.st_ino == name->inode)
		rc = files_remove(folder, path);
	if (rc && rc != -ENOENT)
		log_warn("the socket %s is left: %s: it is replaced by the next run", name->path,
			 err_text(rc));
	held_remove(&name->folder);
	name->made = false;
}

static int local_get_peer(int fd, struct ucred *peer)
{
	socklen_t size = sizeof(*peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) ? -errno : 0;
}

int local_check_peer(int fd)
{
	struct ucred peer;
	int rc = local_get_peer(fd, &peer);

	if (rc)
		return rc;
	return owner_lets(peer.uid) ? 0 : -EPERM;
}

static int local_check_user(int fd, uid_t *user, struct err *err)
{
	struct ucred peer;
	int rc = local_get_peer(fd, &peer);

	if (rc)
		return err_set(err, rc, "whose server it is cannot be told: %s", err_text(rc));
	if (*user == (uid_t)-1)
		*user = peer.uid;
	if (*user == peer.uid)
		return 0;
	return err_set(err, -EPERM,
		       "the server there is user %u's, and the one before it was user %u's: start "
		       "it as that one was",
		       peer.uid, *user);
}

int local_reach_server(const char *path, uid_t *user, struct err *err)
{
	int fd = *user == (uid_t)-1 ? local_reach_first(path, SOCK_NONBLOCK, err)
				    : local_reach(path, SOCK_NONBLOCK, err);
	int rc = fd < 0 ? fd : local_check_user(fd, user, err);

	if (rc)
		fd_close(&fd);
	return rc ? rc : fd;
}

int local_check_process(int fd, pid_t pid)
{
	struct ucred peer;
	int rc = local_check_peer(fd);

	if (!rc)
		rc = local_get_peer(fd, &peer);
	if (rc)
		return rc;
	return peer.pid == pid ? 0 : -ESRCH;
}
