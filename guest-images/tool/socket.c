/* SPDX-License-Identifier: BSD-3-Clause */
/* Unix sockets by the names that gdb servers give them. */

#include <err.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum { CONNECT_TRIES = 600, CONNECT_PAUSE_US = 100000 };

int unix_connect(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(1, "socket");
	if (strncmp(name, "unix:", 5) != 0 || strlen(name + 5) >= sizeof(address.sun_path))
		errx(2, "%s: not unix:PATH, or too long a path", name);
	memcpy(address.sun_path, name + 5, strlen(name + 5));
	for (int i = 0; connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0; i++) {
		if ((errno != ENOENT && errno != ECONNREFUSED) || i == CONNECT_TRIES)
			err(1, "%s", name);
		usleep(CONNECT_PAUSE_US);
	}
	return fd;
}
