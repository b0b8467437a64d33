/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes a tap that stays, or opens one for a command that inherits it. */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum { TAP_FIRST = 3 };

static int tap_open(const char *name, unsigned int queues)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR);

	if (queues > 1)
		request.ifr_flags |= IFF_MULTI_QUEUE;
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
		err(1, "tap %s", name);
	return fd;
}

int tap_make_main(int argc, char **argv)
{
	int fd;

	if (argc != 4)
		errx(2, "tap-make: NAME QUEUES UID");
	fd = tap_open(argv[1], (unsigned int)strtoul(argv[2], NULL, 10));
	if (ioctl(fd, TUNSETOWNER, strtoul(argv[3], NULL, 10)) != 0 ||
	    ioctl(fd, TUNSETPERSIST, 1UL) != 0)
		err(1, "tap %s", argv[1]);
	return 0;
}

int with_tap_main(int argc, char **argv)
{
	unsigned int queues;

	if (argc < 4)
		errx(2, "with-tap: NAME QUEUES COMMAND...");
	queues = (unsigned int)strtoul(argv[2], NULL, 10);
	for (unsigned int i = 0; i < queues; i++) {
		int fd = tap_open(argv[1], queues);

		if (dup2(fd, TAP_FIRST + (int)i) < 0)
			err(1, "descriptor %u", TAP_FIRST + i);
		if (fd != TAP_FIRST + (int)i)
			close(fd);
	}
	execvp(argv[3], argv + 3);
	err(127, "%s", argv[3]);
}
