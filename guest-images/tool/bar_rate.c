/* SPDX-License-Identifier: BSD-3-Clause */
/* How long reads and writes of one register take, many in a row. */

#define _GNU_SOURCE
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

/*
 * Prints the microseconds of a read and of a write of 0 to the register of 32 bits, which must be
 * one that takes no harm of that. The read behind the writes waits for all of them where they are
 * posted; it is counted among them.
 */
int bar_rate_main(int argc, char **argv)
{
	double start, middle, end;
	unsigned long count;
	volatile uint32_t *at;
	uint64_t offset;
	char name[32];
	void *memory;
	int fd;

	if (argc != 5)
		errx(2, "bar-rate: SYSFS-DEVICE BAR OFFSET COUNT");
	offset = strtoull(argv[3], NULL, 0);
	count = strtoul(argv[4], NULL, 0);
	snprintf(name, sizeof(name), "resource%s", argv[2]);
	fd = device_open(argv[1], name);
	memory = mmap(NULL, offset + sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		err(1, "%s", name);
	at = (volatile uint32_t *)((char *)memory + offset);
	start = seconds_now();
	for (unsigned long i = 0; i < count; i++)
		(void)*at;
	middle = seconds_now();
	for (unsigned long i = 0; i < count; i++)
		*at = 0;
	(void)*at;
	end = seconds_now();
	printf("%.1f %.1f\n", (middle - start) * 1e6 / (double)count,
	       (end - middle) * 1e6 / (double)count);
	return 0;
}
