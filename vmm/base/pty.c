/* SPDX-License-Identifier: BSD-3-Clause */
/* A pseudo-terminal that keeps what was written last for a reader who may come later. */

#include "vmm/base/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/held.h"
#include "vmm/base/owner.h"

bool pty_hold(struct pty *pty)
{
	if (pty->peer < 0)
		pty->peer =
			ioctl(pty->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return pty->peer >= 0;
}

int pty_make_raw(struct pty *pty)
{
	struct termios mode;

	if (!pty_hold(pty) || tcgetattr(pty->peer, &mode))
		return -errno;
	cfmakeraw(&mode);
	tcsetattr(pty->peer, TCSANOW, &mode);
	return 0;
}

int pty_open(struct pty *pty, struct err *err)
{
	const char *name;
	int rc;

	*pty = (struct pty){.named = -1, .peer = -1};
	pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (pty->master < 0 || grantpt(pty->master) || unlockpt(pty->master) ||
	    !(name = ptsname(pty->master)))
		return err_set(err, -errno, "no pseudo-terminal: %s", err_text(errno));
	snprintf(pty->name, sizeof(pty->name), "%s", name);
	owner_give(pty->name);
	pty->named = held_add(HELD_TERMINAL, pty->name);
	rc = pty_make_raw(pty);
	if (rc)
		return err_set(err, rc, "%s: %s", pty->name, err_text(rc));
	return 0;
}

void pty_close(struct pty *pty)
{
	held_remove(&pty->named);
	fd_close(&pty->peer);
	fd_close(&pty->master);
}

/* The master is hung up when nobody has the other end; our own hold is given up to see it. */
bool pty_has_reader(struct pty *pty)
{
	struct pollfd master = {.fd = pty->master, .events = POLLIN};
	bool alone;

	/* A reader who wants it for himself must not keep us out. */
	if (pty->peer >= 0)
		ioctl(pty->peer, TIOCNXCL);
	fd_close(&pty->peer);
	alone = poll(&master, 1, 0) == 1 && master.revents & POLLHUP;
	pty_hold(pty);
	return !alone;
}

bool pty_drop_oldest(struct pty *pty)
{
	char oldest[4096];
	ssize_t n;

	if (!pty_hold(pty))
		return false;
	do
		n = read(pty->peer, oldest, sizeof(oldest));
	while (n < 0 && errno == EINTR);
	return true;
}
