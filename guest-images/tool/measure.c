/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a monitor whose guest asks for steps, to its power-off, and says what that took. */

#define _GNU_SOURCE
#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

#define TRACING "/sys/kernel/tracing/"

/* The monitor, and all that its guest has printed. */
struct monitor {
	pid_t pid;
	int in, out;
	double start, deadline;
	size_t length;
	char seen[1 << 20];
};

static void __attribute__((noreturn)) give_up(struct monitor *monitor, const char *what)
{
	kill(monitor->pid, SIGKILL);
	waitpid(monitor->pid, NULL, 0);
	errx(1, "measure: %s", what);
}

static void start(struct monitor *monitor, char **command)
{
	int output[2], input[2];

	if (pipe2(output, O_CLOEXEC) != 0 || pipe2(input, O_CLOEXEC) != 0)
		err(1, "pipe");
	monitor->start = seconds_now();
	monitor->pid = fork();
	if (monitor->pid < 0)
		err(1, "fork");
	if (monitor->pid == 0) {
		dup2(input[0], STDIN_FILENO);
		dup2(output[1], STDOUT_FILENO);
		execvp(command[0], command);
		err(127, "%s", command[0]);
	}
	close(output[1]);
	close(input[0]);
	monitor->in = input[1];
	monitor->out = output[0];
}

/* Passes on what arrives; false at the end, and at the deadline. */
static int read_more(struct monitor *monitor)
{
	struct pollfd poll_fd = {.fd = monitor->out, .events = POLLIN};
	double left = monitor->deadline - seconds_now();
	size_t space = sizeof(monitor->seen) - 1 - monitor->length;
	ssize_t got;

	if (left <= 0 || space == 0 || poll(&poll_fd, 1, (int)(left * 1000)) <= 0)
		return 0;
	got = read(monitor->out, monitor->seen + monitor->length, space);
	if (got <= 0)
		return 0;
	fwrite(monitor->seen + monitor->length, 1, (size_t)got, stderr);
	monitor->length += (size_t)got;
	return 1;
}

/* The time at which the guest has printed @text. */
static double see(struct monitor *monitor, const char *text)
{
	char what[64];

	while (!memmem(monitor->seen, monitor->length, text, strlen(text))) {
		if (!read_more(monitor)) {
			snprintf(what, sizeof(what), "no \"%s\" from the guest", text);
			give_up(monitor, what);
		}
	}
	return seconds_now();
}

/* Each line of a file that begins so, with @prefix before it. */
static void print_lines(const char *path, const char *begin, const char *prefix)
{
	FILE *file = fopen(path, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, begin, strlen(begin)) == 0)
			printf("%s%s", prefix, line);
	if (file)
		fclose(file);
}

/* KVM's counters of exits of this process's machine; there is one of each for the whole of it. */
static void print_counters(struct monitor *monitor)
{
	char pattern[256], prefix[128];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/sys/kernel/debug/kvm/%d-*/*exit*", monitor->pid);
	if (glob(pattern, 0, NULL, &found) != 0)
		give_up(monitor, "KVM has no counters of the monitor's machine");
	for (size_t i = 0; i < found.gl_pathc; i++) {
		snprintf(prefix, sizeof(prefix), "kvm %s ", strrchr(found.gl_pathv[i], '/') + 1);
		print_lines(found.gl_pathv[i], "", prefix);
	}
	globfree(&found);
}

/* Whatever events of KVM's are being counted by their fields: nothing where none are. */
static void print_events(void)
{
	char prefix[128];
	glob_t found;

	if (glob(TRACING "events/kvm/*/hist", 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		*strrchr(found.gl_pathv[i], '/') = 0;
		snprintf(prefix, sizeof(prefix), "event %s ", strrchr(found.gl_pathv[i], '/') + 1);
		strcat(found.gl_pathv[i], "/hist");
		print_lines(found.gl_pathv[i], "{", prefix);
	}
	globfree(&found);
}

/* "map SIZE RESIDENT PERMISSIONS NAME" of each mapping, in KiB. */
static void print_mappings(pid_t pid)
{
	char path[64], line[512], permissions[8] = "", name[256] = "";
	unsigned long size = 0, resident;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!isupper((unsigned char)line[0])) {
			name[0] = 0;
			sscanf(line, "%*s %7s %*s %*s %*s %255[^\n]", permissions, name);
		} else if (sscanf(line, "Size: %lu", &size) != 1 &&
			   sscanf(line, "Rss: %lu", &resident) == 1) {
			printf("map %lu %lu %s %s\n", size, resident, permissions, name);
		}
	}
	if (file)
		fclose(file);
}

/* Memory is compared when all of the guest's is there, which may take longer than its start. */
static void wait_for_ram(struct monitor *monitor, unsigned long kib)
{
	while (status_value(monitor->pid, "VmRSS: %lu") < kib) {
		if (seconds_now() > monitor->deadline)
			give_up(monitor, "the guest's RAM does not become resident");
		usleep(200000);
	}
	sleep(1);
}

/* From what the guest says last to the end of the process. */
static double power_off(struct monitor *monitor)
{
	int status;
	double said;

	if (write(monitor->in, "poweroff\n", 9) != 9)
		give_up(monitor, "the guest cannot be told to power off");
	said = see(monitor, "LAB: poweroff");
	while (read_more(monitor))
		;
	if (seconds_now() > monitor->deadline)
		give_up(monitor, "the monitor does not end");
	if (waitpid(monitor->pid, &status, 0) < 0 || status != 0)
		errx(1, "measure: the monitor ended with status %#x", (unsigned int)status);
	return seconds_now() - said;
}

/* Has KVM's trace keep the entries into guests up to the first exit, which turns it off. */
static void trace_entries(bool on)
{
	file_set(TRACING "events/kvm/kvm_entry/enable", on ? "1" : "0");
	file_add(TRACING "events/kvm/kvm_exit/trigger", on ? "traceoff:1" : "!traceoff");
	file_set(TRACING "tracing_on", "1");
}

/* Only what comes from now on counts; a measurement before may have ended without its end. */
static void trace_begin(void)
{
	trace_entries(false);
	file_set(TRACING "trace_clock", "mono");
	file_set(TRACING "trace", "\n");
	trace_entries(true);
}

/* When a vCPU first went into the guest, by the clock of seconds_now(); 0 if none has. */
static double first_entry(void)
{
	FILE *file = fopen(TRACING "trace", "re");
	double time = 0;
	char line[512];
	char *end;

	while (file && time == 0 && fgets(line, sizeof(line), file)) {
		end = line[0] == '#' ? NULL : strstr(line, ": kvm_entry:");
		if (!end)
			continue;
		*end = 0;
		time = strtod(strrchr(line, ' ') + 1, NULL);
	}
	if (file)
		fclose(file);
	return time;
}

/* The monitor is killed as soon as its guest has begun, if that has not ended by then. */
int measure_entry_main(int argc, char **argv)
{
	static struct monitor monitor;
	bool ended = false;
	double entry;

	if (argc < 3)
		errx(2, "measure-entry: SECONDS COMMAND...");
	trace_begin();
	monitor.deadline = seconds_now() + strtod(argv[1], NULL);
	start(&monitor, argv + 2);
	while ((entry = first_entry()) == 0) {
		if (ended)
			errx(1, "measure-entry: the monitor ended before its guest began");
		if (seconds_now() > monitor.deadline)
			give_up(&monitor, "the guest does not begin");
		usleep(10000);
		ended = waitpid(monitor.pid, NULL, WNOHANG) != 0;
	}
	if (!ended) {
		kill(monitor.pid, SIGKILL);
		waitpid(monitor.pid, NULL, 0);
	}
	trace_entries(false);
	printf("entry %.6f\n", entry - monitor.start);
	return 0;
}

int measure_main(int argc, char **argv)
{
	static struct monitor monitor;
	double init;

	if (argc < 4)
		errx(2, "measure: SECONDS GUEST-RAM-MIB COMMAND...");
	trace_begin();
	monitor.deadline = seconds_now() + strtod(argv[1], NULL);
	start(&monitor, argv + 3);
	init = see(&monitor, "LAB: init");
	print_counters(&monitor);
	print_events();
	printf("entry %.6f\ninit %.3f\n", first_entry() - monitor.start, init - monitor.start);
	trace_entries(false);
	see(&monitor, "LAB: ask");
	wait_for_ram(&monitor, strtoul(argv[2], NULL, 0) * 1024);
	printf("threads %lu\n", status_value(monitor.pid, "Threads: %lu"));
	print_mappings(monitor.pid);
	printf("poweroff %.3f\n", power_off(&monitor));
	return 0;
}
