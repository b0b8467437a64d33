/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads sixteen bytes of a BAR by one instruction, and tells whether the bus answered with an
 * error.
 */

#define _GNU_SOURCE
#include <err.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "guest-images/tool/labtool.h"

enum { PAGE = 65536 };

static sigjmp_buf aborted;

static void on_bus_error(int signal_number)
{
	(void)signal_number;
	siglongjmp(aborted, 1);
}

int bar_wide_main(int argc, char **argv)
{
	char name[32];
	const volatile void *bar;
	int fd;

	if (argc != 3)
		errx(2, "give a device's folder in sysfs and the number of a BAR");
	snprintf(name, sizeof(name), "resource%d", atoi(argv[2]));
	fd = device_open(argv[1], name);
	bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED)
		err(1, "%s: %s", argv[1], name);
	signal(SIGBUS, on_bus_error);
	if (sigsetjmp(aborted, 1) == 0) {
		wide_load(bar);
		puts("read");
	} else {
		puts("abort");
	}
	return 0;
}
