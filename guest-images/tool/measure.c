/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts a monitor, waits for a text on its standard output, and says what it took to get there. */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The sum of one of KVM's counters over the virtual machines of a process. */
static unsigned long kvm_counter(pid_t pid, const char *name)
{
	unsigned long sum = 0, value;
	char pattern[256];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/sys/kernel/debug/kvm/%d-*/%s", pid, name);
	if (glob(pattern, 0, NULL, &found) != 0)
		errx(1, "measure: no %s", pattern);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "re");

		if (file && fscanf(file, "%lu", &value) == 1)
			sum += value;
		if (file)
			fclose(file);
	}
	globfree(&found);
	return sum;
}

static long resident_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

/* Passes on what arrives until it holds @text; returns the time of that, or 0 at the deadline. */
static double wait_for_text(int fd, const char *text, double deadline)
{
	static char seen[1 << 20];
	size_t length = 0;

	while (length < sizeof(seen) - 1) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
		double left = deadline - seconds_now();
		ssize_t got;

		if (left <= 0 || poll(&poll_fd, 1, (int)(left * 1000)) <= 0)
			return 0;
		got = read(fd, seen + length, sizeof(seen) - 1 - length);
		if (got <= 0)
			return 0;
		fwrite(seen + length, 1, (size_t)got, stderr);
		length += (size_t)got;
		if (memmem(seen, length, text, strlen(text)))
			return seconds_now();
	}
	return 0;
}

int measure_main(int argc, char **argv)
{
	int output[2], input[2];
	double start, reached;
	pid_t child;

	if (argc < 5)
		errx(2, "measure: SECONDS GUEST-RAM-MIB TEXT COMMAND...");
	if (pipe2(output, O_CLOEXEC) != 0 || pipe2(input, O_CLOEXEC) != 0)
		err(1, "pipe");
	start = seconds_now();
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		dup2(input[0], STDIN_FILENO);
		dup2(output[1], STDOUT_FILENO);
		execvp(argv[4], argv + 4);
		err(127, "%s", argv[4]);
	}
	close(output[1]);
	reached = wait_for_text(output[0], argv[3], start + strtod(argv[1], NULL));
	if (reached > 0) {
		unsigned long exits = kvm_counter(child, "exits");
		unsigned long io = kvm_counter(child, "io_exits");
		unsigned long mmio = kvm_counter(child, "mmio_exits");

		sleep(2); /* for memory that is still being pinned */
		printf("seconds=%.2f rss=%ld exits=%lu monitor_exits=%lu\n", reached - start,
		       resident_kib(child) - strtol(argv[2], NULL, 0) * 1024, exits, io + mmio);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	if (reached <= 0)
		errx(1, "measure: no \"%s\" from %s", argv[3], argv[4]);
	return 0;
}
