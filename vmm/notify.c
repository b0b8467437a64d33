/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells who has started this process, as systemd does, that the guest is about to run. */

#include "vmm/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmm/base/fd.h"
#include "vmm/base/log.h"

/* A path, or behind "@" an abstract name, which ends with its last letter. */
static int notify_address(const char *text, struct sockaddr_un *address, socklen_t *size)
{
	size_t length = strlen(text);

	if ((*text != '/' && *text != '@') || length >= sizeof(address->sun_path))
		return -EINVAL;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, text, length);
	if (*text == '@')
		address->sun_path[0] = '\0';
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (*text == '/'));
	return 0;
}

int notify_open(void)
{
	const char *text = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t size;
	int fd, rc;

	if (!text || !*text)
		return -1;
	rc = notify_address(text, &address, &size);
	fd = rc ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (!rc && (fd < 0 || connect(fd, (struct sockaddr *)&address, size)))
		rc = -errno;
	if (!rc)
		return fd;
	log_warn("NOTIFY_SOCKET=%.80s: nobody can be told that the guest runs: %s", text,
		 err_text(rc));
	fd_close(&fd);
	return -1;
}

void notify_ready(int *fd)
{
	static const char ready[] = "READY=1";

	if (*fd < 0)
		return;
	if (write(*fd, ready, strlen(ready)) < 0)
		log_warn("NOTIFY_SOCKET: nobody heard that the guest runs: %s", err_text(errno));
	fd_close(fd);
}
