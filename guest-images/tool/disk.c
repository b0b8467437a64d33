/* SPDX-License-Identifier: BSD-3-Clause */
/* Direct reads of a disk: many small ones, or all of it through memory at high addresses. */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum { BLOCK = 4096, CHUNK = 256 * 1024 };

static int open_disk(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* Reads blocks scattered over the disk, one at a time, each a command of its own to the device. */
int disk_reads_main(int argc, char **argv)
{
	void *buffer = buffer_alloc(BLOCK);
	unsigned long count;
	uint64_t blocks;
	int fd;

	if (argc != 3)
		errx(2, "disk-reads: DISK COUNT");
	fd = open_disk(argv[1]);
	count = strtoul(argv[2], NULL, 0);
	blocks = (uint64_t)lseek(fd, 0, SEEK_END) / BLOCK;
	if (blocks == 0)
		errx(1, "%s: empty", argv[1]);
	for (unsigned long i = 0; i < count; i++) {
		off_t offset = (off_t)(i * 7919 % blocks * BLOCK);

		if (pread(fd, buffer, BLOCK, offset) != BLOCK)
			err(1, "%s: at %jd", argv[1], (intmax_t)offset);
	}
	return 0;
}

/* Copies the disk to standard output; refuses unless every page it goes through lies high. */
int disk_cat_high_main(int argc, char **argv)
{
	uint8_t *buffer = buffer_alloc(CHUNK);
	uint64_t lowest, seen = UINT64_MAX;
	ssize_t length;
	int fd;

	if (argc != 3)
		errx(2, "disk-cat-high: DISK LOWEST-PHYSICAL-ADDRESS");
	lowest = strtoull(argv[2], NULL, 0);
	for (size_t i = 0; i < CHUNK; i += BLOCK) {
		uint64_t address = buffer_physical(buffer + i);

		seen = address < seen ? address : seen;
	}
	if (seen < lowest)
		errx(1, "a page of the buffer is at 0x%" PRIx64, seen);
	fd = open_disk(argv[1]);
	while ((length = read(fd, buffer, CHUNK)) > 0)
		if (write(STDOUT_FILENO, buffer, (size_t)length) != length)
			err(1, "standard output");
	if (length < 0)
		err(1, "%s", argv[1]);
	fprintf(stderr, "lowest page of the buffer 0x%" PRIx64 "\n", seen);
	return 0;
}
