/* SPDX-License-Identifier: BSD-3-Clause */
/* Open descriptors that a client has passed along (SCM_RIGHTS), by names of its own choice. */

#include "vmm/control/passed.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "vmm/base/fd.h"
#include "vmm/control/line.h"

/* A socket may wait for its peer then; what else it is, is not known. */
static void passed_close(int *fd)
{
	static const struct linger none = {0};

	if (*fd >= 0)
		(void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	fd_close(fd);
}

static void passed_close_waiting(struct control_passed *passed)
{
	passed_close(&passed->waiting);
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
			"open (RLIMIT_NOFILE)");
	return 0;
}

/* A device's node is one; the close of another kind may wait, for its peer or its server. */
static int passed_check_kind(const struct control_passed *passed, const char *name, struct err *err)
{
	struct stat status;

	if (fstat(passed->waiting, &status) == 0 && S_ISCHR(status.st_mode))
		return 0;
	return err_set(err, -ENODEV,
		       "fdname '%.80s': what came is no character device, as /dev/iommu and the "
		       "nodes in /dev/vfio are",
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
