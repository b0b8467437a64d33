/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a command on a terminal of its own, which reads and writes what this program does. */

#define _GNU_SOURCE
#include <err.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

/* What there is to read from @from goes to @to; 0 at its end. */
static int copy(int from, int to)
{
	char bytes[4096];
	ssize_t count = read(from, bytes, sizeof(bytes));

	for (ssize_t done = 0, written; done < count; done += written) {
		written = write(to, bytes + done, (size_t)(count - done));
		if (written <= 0)
			return 0;
	}
	return count > 0;
}

int on_terminal_main(int argc, char **argv)
{
	struct pollfd ends[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
	int status = 0;
	pid_t child;

	if (argc < 2)
		errx(2, "on-terminal: COMMAND...");
	child = forkpty(&ends[1].fd, NULL, NULL, NULL);
	if (child < 0)
		err(1, "on-terminal: no terminal");
	if (child == 0) {
		execvp(argv[1], argv + 1);
		err(127, "%s", argv[1]);
	}
	while (poll(ends, 2, -1) >= 0) {
		if (ends[0].revents && !copy(STDIN_FILENO, ends[1].fd))
			ends[0].fd = -1;
		if (ends[1].revents && !copy(ends[1].fd, STDOUT_FILENO))
			break;
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
