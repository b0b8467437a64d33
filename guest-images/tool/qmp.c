/* SPDX-License-Identifier: BSD-3-Clause */
/* A client of QMP that passes no descriptors, as tools of QEMU's are. */

#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum { QMP_TIMEOUT_MS = 120000 };

/* Prints what comes, line by line, up to one that has @word in it, or that is an error. */
static void hear(int fd, const char *word)
{
	static char line[65536];
	size_t size = 0;

	for (;;) {
		if (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, QMP_TIMEOUT_MS) != 1)
			errx(1, "qmp: no %s", word);
		if (size == sizeof(line) - 1 || read(fd, &line[size], 1) != 1)
			errx(1, "qmp: the monitor hung up before %s", word);
		if (line[size++] != '\n')
			continue;
		line[size] = '\0';
		fputs(line, stdout);
		if (strstr(line, "\"error\""))
			errx(1, "qmp: %s", line);
		if (strstr(line, word))
			return;
		size = 0;
	}
}

static void say(int fd, const char *request)
{
	if (dprintf(fd, "%s\n", request) < 0)
		err(1, "qmp");
	hear(fd, "\"return\"");
}

/* Each argument that begins with a brace is a request, each other one an event. */
int qmp_main(int argc, char **argv)
{
	int fd;

	if (argc < 3)
		errx(2, "qmp: unix:PATH REQUEST|EVENT...");
	fd = unix_connect(argv[1]);
	hear(fd, "\"QMP\"");
	say(fd, "{\"execute\": \"qmp_capabilities\"}");
	for (int i = 2; i < argc; i++) {
		if (argv[i][0] == '{')
			say(fd, argv[i]);
		else
			hear(fd, argv[i]);
	}
	return 0;
}
