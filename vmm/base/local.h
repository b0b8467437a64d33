/* SPDX-License-Identifier: BSD-3-Clause */
/* Unix sockets with a name: bound as their owner's alone, in the place of one that was left. */

#ifndef FERRY_BASE_LOCAL_H
#define FERRY_BASE_LOCAL_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

#include "vmm/base/err.h"

/* A name that was made, to be known again and removed. Zero: none. */
struct local_name {
	bool made;
	int folder; /* held, so that it can be removed later; negative: its path alone is known */
	dev_t device;
	ino_t inode;
	char path[sizeof((struct sockaddr_un){0}.sun_path)];
};

/* Fills in @address; -EINVAL, @err without the path, when it is empty or too long. */
int local_address(const char *path, struct sockaddr_un *address, struct err *err) FERRY_MUST_CHECK;

/*
 * Binds @fd, a stream socket, with mode 0600, and listens: @backlog may wait. A socket there that
 * nobody listens at is replaced; -EADDRINUSE when somebody does, -EEXIST for what is no socket.
 * @err is without the path.
 */
int local_bind(int fd, const struct sockaddr_un *address, int backlog, struct local_name *name,
	       struct err *err) FERRY_MUST_CHECK;

/* Removes the name, unless it is another's by now. */
void local_unbind(struct local_name *name);

/*
 * A connection there, close-on-exec; it does not wait to be made, and does not block with @flags
 * SOCK_NONBLOCK. -ECONNREFUSED: nobody listens there; or another negative errno.
 */
int local_connect(const struct sockaddr_un *address, int flags) FERRY_MUST_CHECK;

/*
 * As local_connect(), to a server at @path that was to be there: -errno with @err, which says what
 * to do and not the path; also -ENOTSOCK, where what is there is no socket, to which connecting is
 * refused as to one that nobody listens at. Main thread, before the sandbox.
 */
int local_reach_first(const char *path, int flags, struct err *err) FERRY_MUST_CHECK;

/*
 * Likewise of one that has the guest's memory, by a connection that does not block. @user is whose
 * it was when it was reached before, and nobody else's is taken in its place: -EPERM. (uid_t)-1, as
 * it is set before the first time, is anybody; any thread after that.
 */
int local_reach_server(const char *path, uid_t *user, struct err *err) FERRY_MUST_CHECK;

/* Whether what is at @path is no socket. Main thread, before the sandbox. */
bool local_is_other(const char *path);

/*
 * Whether the other end of @fd is a process of this user's or of root's: 0, -EPERM, or the errno
 * for which it cannot be told.
 */
int local_check_peer(int fd) FERRY_MUST_CHECK;

/* Whether it is process @pid, and such a user's: 0, -ESRCH, or as local_check_peer(). */
int local_check_process(int fd, pid_t pid) FERRY_MUST_CHECK;

#endif
