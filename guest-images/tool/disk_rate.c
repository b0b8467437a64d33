/* SPDX-License-Identifier: BSD-3-Clause */
/* How many small reads a disk does in a second, with so many under way at a time. */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum { BLOCK = 4096, DEPTH_MAX = 256 };

struct reader {
	int fd;
	aio_context_t context;
	uint64_t blocks, seed;
	uint8_t *buffers;
	struct iocb requests[DEPTH_MAX];
};

/* The same places in every run (Knuth's MMIX generator), whose high bits are the good ones. */
static uint64_t next_block(struct reader *reader)
{
	reader->seed = reader->seed * 6364136223846793005U + 1442695040888963407U;
	return (reader->seed >> 33) % reader->blocks;
}

static void submit(struct reader *reader, unsigned long slot)
{
	struct iocb *request = &reader->requests[slot];

	*request = (struct iocb){
		.aio_data = slot,
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)reader->fd,
		.aio_buf = (uintptr_t)(reader->buffers + slot * BLOCK),
		.aio_nbytes = BLOCK,
		.aio_offset = (int64_t)(next_block(reader) * BLOCK),
	};
	if (syscall(SYS_io_submit, reader->context, 1L, &request) != 1)
		err(1, "disk-rate: io_submit");
}

/* Does @count reads; a slot that is done with one begins the next. */
static void read_all(struct reader *reader, unsigned long depth, unsigned long count)
{
	struct io_event events[DEPTH_MAX];
	unsigned long begun = 0;
	long done;

	for (; begun < depth && begun < count; begun++)
		submit(reader, begun);
	for (unsigned long left = count; left > 0; left -= (unsigned long)done) {
		done = syscall(SYS_io_getevents, reader->context, 1L, (long)depth, events, NULL);
		if (done <= 0)
			err(1, "disk-rate: io_getevents");
		for (long i = 0; i < done; i++) {
			if (events[i].res != BLOCK)
				errx(1, "disk-rate: a read gave %lld", (long long)events[i].res);
			if (begun < count)
				submit(reader, events[i].data);
			begun += begun < count;
		}
	}
}

/* Prints the reads of a second; 0 where none are asked for. */
int disk_rate_main(int argc, char **argv)
{
	static struct reader reader;
	unsigned long depth, count;
	double start;

	if (argc != 4)
		errx(2, "disk-rate: DISK DEPTH COUNT");
	depth = strtoul(argv[2], NULL, 10);
	count = strtoul(argv[3], NULL, 10);
	if (depth < 1 || depth > DEPTH_MAX)
		errx(2, "disk-rate: a depth from 1 to %d", DEPTH_MAX);
	reader.fd = open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (reader.fd < 0)
		err(1, "%s", argv[1]);
	reader.blocks = (uint64_t)lseek(reader.fd, 0, SEEK_END) / BLOCK;
	if (reader.blocks == 0)
		errx(1, "%s: empty", argv[1]);
	reader.buffers = buffer_alloc(depth * BLOCK);
	if (syscall(SYS_io_setup, depth, &reader.context) != 0)
		err(1, "disk-rate: io_setup");
	start = seconds_now();
	read_all(&reader, depth, count);
	printf("%.1f\n", (double)count / (seconds_now() - start));
	return 0;
}
