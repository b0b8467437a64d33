/* SPDX-License-Identifier: BSD-3-Clause */
/* How long a program takes to map memory for DMA, by the kernel's own trace of its calls. */

#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

#define EVENTS  "/sys/kernel/tracing/events/syscalls/"
#define FILTERS 2

enum { MAPPERS_MAX = 32 };

/*
 * The calls that begin it: VFIO_IOMMU_MAP_DMA or IOMMU_IOAS_MAP, and madvise's MADV_POPULATE_WRITE
 * before them.
 */
static const char *const filters[FILTERS][2] = {
	{EVENTS "sys_enter_ioctl/filter", "cmd == 0x3b71 || cmd == 0x3b85"},
	{EVENTS "sys_enter_madvise/filter", "behavior == 23"},
};
static const char *const enables[] = {
	EVENTS "sys_enter_ioctl/enable",
	EVENTS "sys_exit_ioctl/enable",
	EVENTS "sys_enter_madvise/enable",
};

static void trace_calls(const char *on)
{
	for (size_t i = 0; i < sizeof(enables) / sizeof(enables[0]); i++)
		file_set(enables[i], on);
}

static void trace_prepare(void)
{
	file_set("/sys/kernel/tracing/trace_clock", "mono");
	file_set("/sys/kernel/tracing/tracing_on", "1");
	for (size_t i = 0; i < FILTERS; i++)
		file_set(filters[i][0], filters[i][1]);
	file_set("/sys/kernel/tracing/trace", "\n");
	trace_calls("1");
}

/* One line of a trace: "PROGRAM-THREAD [CPU] FLAGS TIME: CALL". */
struct call {
	long thread;
	double time;
	const char *text;
};

static int parse_line(char *line, struct call *call)
{
	char *text = strstr(line, ": sys_"), *place = strstr(line, " ["), *thread;

	if (line[0] == '#' || !text || !place)
		return 0;
	*place = *text = 0;
	thread = strrchr(line, '-');
	place = strrchr(place + 1, ' ');
	if (!thread || !place)
		return 0;
	*call = (struct call){atol(thread + 1), strtod(place + 1, NULL), text + 2};
	return 1;
}

/* The threads that are mapping: several at once by iommufd. */
struct mappers {
	long threads[MAPPERS_MAX];
	size_t count, most;
};

/* Whether it was one of them, which is done. */
static bool take_out(struct mappers *mappers, long thread)
{
	for (size_t i = 0; i < mappers->count; i++)
		if (mappers->threads[i] == thread) {
			mappers->threads[i] = mappers->threads[--mappers->count];
			return true;
		}
	return false;
}

/*
 * From the first call to the end of the last that maps; 0 while one is under way or none was. In
 * *@at_once how many maps were under way at once.
 */
static double spent(size_t *at_once)
{
	FILE *file = fopen("/sys/kernel/tracing/trace", "re");
	struct mappers mappers = {.count = 0};
	double first = 0, last = 0;
	char line[512];
	struct call call;

	while (file && fgets(line, sizeof(line), file)) {
		if (!parse_line(line, &call))
			continue;
		if (strstr(call.text, "sys_ioctl ->")) {
			if (take_out(&mappers, call.thread))
				last = call.time;
			continue;
		}
		if (first == 0)
			first = call.time;
		if (strncmp(call.text, "sys_ioctl(", 10) == 0 && mappers.count < MAPPERS_MAX)
			mappers.threads[mappers.count++] = call.thread;
		if (mappers.count > *at_once)
			*at_once = mappers.count;
	}
	if (file)
		fclose(file);
	return mappers.count == 0 && last > first ? last - first : 0;
}

/* By groups the kernel tells it as locked, by iommufd as pinned. */
static bool all_is_mapped(pid_t pid, unsigned long kib)
{
	return status_value(pid, "VmLck: %lu") >= kib || status_value(pid, "VmPin: %lu") >= kib;
}

/* The program is killed once so much memory of its is locked and its last call is over. */
int measure_map_main(int argc, char **argv)
{
	unsigned long kib;
	size_t at_once = 0;
	double deadline, seconds = 0;
	bool ended = false;
	pid_t pid;

	if (argc < 4)
		errx(2, "measure-map: SECONDS MIB COMMAND...");
	deadline = seconds_now() + strtod(argv[1], NULL);
	kib = strtoul(argv[2], NULL, 0) * 1024;
	trace_prepare();
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		execvp(argv[3], argv + 3);
		err(127, "%s", argv[3]);
	}
	while (seconds == 0 && !ended && seconds_now() < deadline) {
		usleep(50000);
		ended = waitpid(pid, NULL, WNOHANG) != 0;
		if (all_is_mapped(pid, kib))
			seconds = spent(&at_once);
	}
	trace_calls("0");
	if (!ended) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (seconds == 0)
		errx(1, "measure-map: %s",
		     ended ? "the program ended before its memory was mapped"
			   : "the memory does not become mapped");
	printf("%.4f\n", seconds);
	fprintf(stderr, "measure-map: %zu at once\n", at_once);
	return 0;
}
