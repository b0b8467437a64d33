/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets that somebody else has opened for this process: what they must be to be of use. */

#include "vmm/base/activated.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "vmm/base/fd.h"

int activated_parse(const char *text)
{
	const char *digits = text + 3;
	long number;

	if (strncmp(text, "fd=", 3) != 0 || strspn(digits, "0123456789") != strlen(digits) ||
	    !*digits || strlen(digits) > 9)
		return -EINVAL;
	number = strtol(digits, NULL, 10);
	return (int)number;
}

static int activated_option(int fd, int option)
{
	socklen_t size = sizeof(int);
	int value = 0;

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) ? -errno : value;
}

int activated_check_listener(int fd, int *family, struct err *err)
{
	int type = activated_option(fd, SO_TYPE), rc;

	if (type < 0)
		return err_set(err, -EINVAL, "it is no socket: it takes one that listens");
	*family = activated_option(fd, SO_DOMAIN);
	if (*family != AF_UNIX && *family != AF_INET && *family != AF_INET6)
		return err_set(err, -EINVAL, "it is a socket neither of Unix nor of TCP");
	if (type != SOCK_STREAM)
		return err_set(err, -EINVAL,
			       "it is no stream socket: it takes one, as of ListenStream=");
	if (activated_option(fd, SO_ACCEPTCONN) <= 0)
		return err_set(err, -EINVAL,
			       "it is a socket that does not listen: it takes one that does, as of "
			       "ListenStream= with Accept=no");
	rc = fd_do_not_block(fd);
	return rc ? err_set(err, -EINVAL, "%s", err_text(rc)) : 0;
}

int activated_check_connection(int fd, struct err *err)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(peer);
	struct stat status;

	if (fstat(fd, &status) || !S_ISSOCK(status.st_mode))
		return 0;
	if (activated_option(fd, SO_TYPE) != SOCK_STREAM)
		return err_set(err, -EINVAL, "it is no stream socket: it takes one");
	if (activated_option(fd, SO_ACCEPTCONN) > 0)
		return err_set(err, -EINVAL,
			       "it is a socket that listens: it takes one that is connected");
	if (getpeername(fd, (struct sockaddr *)&peer, &size))
		return err_set(err, -EINVAL,
			       "it is a socket that is not connected: it takes one that is");
	return 0;
}
