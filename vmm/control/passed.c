/* SPDX-License-Identifier: BSD-3-Clause */
/* Open descriptors that a client has passed along (SCM_RIGHTS), by names of its own choice. */

#include "vmm/control/passed.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vmm/base/bits.h"
#include "vmm/base/fd.h"
#include "vmm/base/files.h"
#include "vmm/control/line.h"

/* Of Unix: nobody is waited for as it is closed. */
static bool passed_is_connection(int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) || address.ss_family != AF_UNIX)
		return false;
	size = sizeof(address);
	return getpeername(fd, (struct sockaddr *)&address, &size) == 0;
}

/* A socket may wait for its peer then, a file for its server; what it is, is not known. */
static void passed_close_waiting(struct control_passed *passed)
{
	static const struct linger none = {0};
	int *fd = &passed->waiting;

	if (*fd >= 0)
		(void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	if (*fd >= 0 && passed_is_connection(*fd))
		fd_close(fd);
	files_close(fd);
	passed->arrival = CONTROL_CAME_NONE;
}

void control_passed_bring(struct control_passed *passed, int fd, enum control_arrival arrival)
{
	if (arrival == CONTROL_CAME_NONE)
		return;
	passed_close_waiting(passed);
	passed->waiting = fd;
	passed->arrival = arrival;
}

/* The place of @name in the list; `count` without one. */
static unsigned int passed_place(const struct control_passed *passed, const char *name)
{
	unsigned int i = 0;

	while (i < passed->count && strcmp(passed->list[i].name, name) != 0)
		i++;
	return i;
}

static void passed_remove(struct control_passed *passed, unsigned int place)
{
	passed->list[place] = passed->list[--passed->count];
	--*passed->all;
}

static int passed_check_name(const char *name, struct err *err)
{
	if (*name == '\0' || (*name >= '0' && *name <= '9'))
		return err_set(err, -EINVAL,
			       "fdname '%.80s': it takes a name that does not begin with a digit",
			       control_printable(name).text);
	if (strlen(name) >= CONTROL_PASSED_NAME)
		return err_set(err, -EINVAL,
			       "fdname '%.80s': it is too long: %d bytes are the most",
			       control_printable(name).text, CONTROL_PASSED_NAME - 1);
	return 0;
}

static int passed_check_arrival(const struct control_passed *passed, struct err *err)
{
	if (passed->arrival == CONTROL_CAME_NONE)
		return err_set(
			err, -EBADF,
			"no descriptor came with it: send one by SCM_RIGHTS, with the request or "
			"just before it");
	if (passed->arrival == CONTROL_CAME_SEVERAL)
		return err_set(
			err, -EINVAL,
			"several descriptors came with it: send each with a getfd of its own");
	if (passed->arrival == CONTROL_CAME_LOST)
		return err_set(
			err, -EMFILE,
			"the descriptor that came could not be taken: the monitor has too many "
			"open (RLIMIT_NOFILE), or those that came before are of a file server "
			"that does not answer");
	return 0;
}

/* statfs(2) tells of them; no header of the kernel's has their numbers for others. */
enum { PASSED_GFS2 = 0x01161970, PASSED_LUSTRE = 0x0bd00bd0 };

/* Where a close may wait for somebody: a server, another machine. */
static bool passed_is_remote(int fd)
{
	static const unsigned int remote[] = {
		FUSE_SUPER_MAGIC, NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,  CIFS_SUPER_MAGIC,
		SMB2_SUPER_MAGIC, V9FS_MAGIC,      CEPH_SUPER_MAGIC, CODA_SUPER_MAGIC,
		AFS_SUPER_MAGIC,  AFS_FS_MAGIC,    NCP_SUPER_MAGIC,  OCFS2_SUPER_MAGIC,
		PASSED_GFS2,      PASSED_LUSTRE,
	};
	struct statfs system;

	if (fstatfs(fd, &system))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(remote); i++)
		if ((unsigned int)system.f_type == remote[i])
			return true;
	return false;
}

struct passed_question {
	int fd;
	bool may_wait; /* its close */
};

static void passed_look(void *owner)
{
	struct passed_question *question = owner;
	struct stat status = {0};
	int fd = question->fd;

	question->may_wait =
		fstat(fd, &status) || !(S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode) ||
					(S_ISREG(status.st_mode) && !passed_is_remote(fd)));
}

static void passed_forget(void *owner)
{
	struct passed_question *question = owner;

	close(question->fd);
	free(question);
}

/* How long a file's server may take to say what the file is. */
enum { PASSED_LOOK_MS = 500 };

/* Whether its close cannot wait. One whose server does not say so in time is no more ours. */
static bool passed_is_local(struct control_passed *passed)
{
	struct passed_question *question = calloc(1, sizeof(*question));
	bool local;
	int rc;

	if (!question)
		return false;
	question->fd = passed->waiting;
	rc = files_look_within(passed_look, passed_forget, question, PASSED_LOOK_MS);
	if (rc == -ETIMEDOUT) {
		passed->waiting = -1;
		return false;
	}
	local = !rc && !question->may_wait;
	free(question);
	return local;
}

/*
 * The close of what is neither a device's node, a pipe, a file of this host's nor a connection of
 * Unix may wait.
 */
static int passed_check_kind(struct control_passed *passed, const char *name, struct err *err)
{
	if (passed_is_connection(passed->waiting) || passed_is_local(passed))
		return 0;
	return err_set(err, -ENODEV,
		       "fdname '%.80s': what came is no character device, as /dev/iommu and the "
		       "nodes in /dev/vfio are, no pipe or file of this host's, and no connected "
		       "socket of Unix",
		       control_printable(name).text);
}

static int passed_check_room(const struct control_passed *passed, const char *name, struct err *err)
{
	if (passed_place(passed, name) < passed->count)
		return 0;
	if (passed->count == CONTROL_PASSED_MAX)
		return err_set(err, -EMFILE,
			       "%d descriptors have names already: closefd those "
			       "that are not needed",
			       CONTROL_PASSED_MAX);
	if (*passed->all >= CONTROL_PASSED_ALL)
		return err_set(
			err, -EMFILE,
			"%d descriptors of all clients have names already, which are the most",
			CONTROL_PASSED_ALL);
	return 0;
}

int control_passed_keep(struct control_passed *passed, const char *name, struct err *err)
{
	int rc = passed_check_name(name, err);
	unsigned int place;

	if (!rc)
		rc = passed_check_arrival(passed, err);
	if (!rc)
		rc = passed_check_kind(passed, name, err);
	if (!rc)
		rc = passed_check_room(passed, name, err);
	if (rc) {
		passed_close_waiting(passed);
		return rc;
	}
	place = passed_place(passed, name);
	if (place < passed->count) {
		fd_close(&passed->list[place].fd);
	} else {
		passed->count++;
		++*passed->all;
	}
	snprintf(passed->list[place].name, sizeof(passed->list[place].name), "%s", name);
	passed->list[place].fd = passed->waiting;
	passed->waiting = -1;
	passed->arrival = CONTROL_CAME_NONE;
	return 0;
}

int control_passed_find(const struct control_passed *passed, const char *name, struct err *err)
{
	unsigned int place = passed_place(passed, name);

	if (place < passed->count)
		return passed->list[place].fd;
	return err_set(err, -EBADF, "no descriptor has the name '%.80s': getfd gives it one",
		       control_printable(name).text);
}

int control_passed_drop(struct control_passed *passed, const char *name, struct err *err)
{
	int fd = control_passed_find(passed, name, err);

	if (fd < 0)
		return fd;
	control_passed_give(passed, fd);
	fd_close(&fd);
	return 0;
}

void control_passed_give(struct control_passed *passed, int fd)
{
	for (unsigned int i = 0; i < passed->count; i++)
		if (passed->list[i].fd == fd) {
			passed_remove(passed, i);
			return;
		}
}

void control_passed_release(struct control_passed *passed)
{
	passed_close_waiting(passed);
	while (passed->count > 0) {
		fd_close(&passed->list[0].fd);
		passed_remove(passed, 0);
	}
}
