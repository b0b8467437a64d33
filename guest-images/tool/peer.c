/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DMA from one device to another, which stops to decode in between: edu copies registers out of an
 * NVMe controller's BAR and into it, or a page into a BAR of memory and out of it.
 */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum {
	PCI_COMMAND = 0x04,
	PCI_COMMAND_MEMORY = 0x02,
	PCI_COMMAND_MASTER = 0x04,
	BAR_SIZE = 0x1000,
	PEER_SIZE = 0x800,

	/* QEMU's docs/specs/edu. */
	EDU_DMA_SOURCE = 0x80,
	EDU_DMA_DESTINATION = 0x88,
	EDU_DMA_COUNT = 0x90,
	EDU_DMA_COMMAND = 0x98,
	EDU_BUFFER = 0x40000,
	EDU_DMA_START = 0x01,
	EDU_DMA_FROM_EDU = 0x02,

	/*
	 * NVM Express 1.4, 3.1: capabilities and version; and a register that takes what is
	 * written.
	 */
	NVME_CAPABILITIES = 0x00,
	NVME_VERSION = 0x08,
	NVME_QUEUE_SIZES = 0x24,
	NVME_HEAD_SIZE = 16,
	QUEUE_SIZES = 0x000d0007,
};

static int open_in(const char *device, const char *name, int flags)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", device, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* Turns bits of the command register off, then others on. */
static void change_command(const char *device, uint16_t off, uint16_t on)
{
	uint16_t command = 0;
	int fd = open_in(device, "config", O_RDWR);

	if (pread(fd, &command, 2, PCI_COMMAND) != 2)
		err(1, "%s: config", device);
	command = (command & ~off) | on;
	if (pwrite(fd, &command, 2, PCI_COMMAND) != 2)
		err(1, "%s: config", device);
	close(fd);
}

static volatile uint8_t *map_bar(const char *device, const char *name, off_t place, uint16_t enable)
{
	volatile uint8_t *bar;
	int fd;

	change_command(device, 0, enable);
	fd = open_in(device, name, O_RDWR | O_SYNC);
	bar = mmap(NULL, BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, place);
	if (bar == MAP_FAILED)
		err(1, "%s: %s", device, name);
	close(fd);
	return bar;
}

/* Where it is on the bus: the first number of its line. */
static uint64_t bar_physical(const char *device, unsigned int bar)
{
	FILE *file = fdopen(open_in(device, "resource", O_RDONLY), "r");
	uint64_t address = 0;

	for (unsigned int i = 0; file && i < bar; i++)
		fscanf(file, "%*[^\n]\n");
	if (!file || fscanf(file, "%" SCNx64, &address) != 1 || address == 0)
		errx(1, "%s: resource: BAR %u is nowhere", device, bar);
	fclose(file);
	return address;
}

static void copy(volatile uint8_t *edu, uint64_t source, uint64_t destination, uint64_t size,
		 uint64_t command)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};

	*(volatile uint64_t *)(edu + EDU_DMA_SOURCE) = source;
	*(volatile uint64_t *)(edu + EDU_DMA_DESTINATION) = destination;
	*(volatile uint64_t *)(edu + EDU_DMA_COUNT) = size;
	*(volatile uint64_t *)(edu + EDU_DMA_COMMAND) = EDU_DMA_START | command;
	for (int tries = 0; tries < 1000; tries++) {
		if (!(*(volatile uint32_t *)(edu + EDU_DMA_COMMAND) & EDU_DMA_START))
			return;
		nanosleep(&pause, NULL);
	}
	errx(1, "a DMA transfer did not end");
}

int peer_main(int argc, char **argv)
{
	volatile uint8_t *edu, *nvme;
	uint32_t *memory = buffer_alloc(BAR_SIZE), head[4], sizes;
	uint64_t address = buffer_physical(memory), target;

	if (argc != 3)
		errx(2, "peer: EDU-DEVICE NVME-DEVICE");
	edu = map_bar(argv[1], "resource0", 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	nvme = map_bar(argv[2], "resource0", 0, PCI_COMMAND_MEMORY);
	target = bar_physical(argv[2], 0);
	for (unsigned int i = 0; i < 4; i++)
		head[i] = *(volatile uint32_t *)(nvme + NVME_CAPABILITIES + 4 * i);

	copy(edu, target, EDU_BUFFER, NVME_HEAD_SIZE, 0);
	copy(edu, EDU_BUFFER, address, NVME_HEAD_SIZE, EDU_DMA_FROM_EDU);
	if (memcmp(memory, head, NVME_HEAD_SIZE) != 0)
		errx(1, "by DMA 0x%" PRIx64 " reads 0x%08x 0x%08x, by the processor 0x%08x 0x%08x",
		     target, memory[0], memory[2], head[0], head[2]);

	/* The other way after the BAR was gone for a while. */
	change_command(argv[2], PCI_COMMAND_MEMORY, 0);
	change_command(argv[2], 0, PCI_COMMAND_MEMORY);
	memory[0] = QUEUE_SIZES;
	copy(edu, address, EDU_BUFFER, sizeof(memory[0]), 0);
	copy(edu, EDU_BUFFER, target + NVME_QUEUE_SIZES, sizeof(memory[0]), EDU_DMA_FROM_EDU);
	sizes = *(volatile uint32_t *)(nvme + NVME_QUEUE_SIZES);
	if (sizes != QUEUE_SIZES)
		errx(1, "a write by DMA to 0x%" PRIx64 " left 0x%08x", target + NVME_QUEUE_SIZES,
		     sizes);
	printf("ok, both ways at 0x%" PRIx64 ", version 0x%08x\n", target, head[2]);
	return 0;
}

/* Fills @size bytes with what no other @seed gives. */
static void fill(uint32_t *memory, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size / sizeof(*memory); i++)
		memory[i] = seed + (uint32_t)i * 0x01000193;
}

/* Over edu into the other's memory at @target, which is seen at @seen, and back. */
static void copy_both_ways(volatile uint8_t *edu, uint64_t target, const volatile uint8_t *seen,
			   uint32_t seed)
{
	uint32_t *memory = buffer_alloc(BAR_SIZE), want[PEER_SIZE / sizeof(uint32_t)];
	uint64_t address = buffer_physical(memory);

	fill(memory, PEER_SIZE, seed);
	memcpy(want, memory, PEER_SIZE);
	copy(edu, address, EDU_BUFFER, PEER_SIZE, 0);
	copy(edu, EDU_BUFFER, target, PEER_SIZE, EDU_DMA_FROM_EDU);
	if (memcmp((const void *)seen, want, PEER_SIZE) != 0)
		errx(1, "what went to 0x%" PRIx64 " by DMA is not there", target);
	memset(memory, 0, PEER_SIZE);
	copy(edu, target, EDU_BUFFER, PEER_SIZE, 0);
	copy(edu, EDU_BUFFER, address, PEER_SIZE, EDU_DMA_FROM_EDU);
	if (memcmp(memory, want, PEER_SIZE) != 0)
		errx(1, "what came from 0x%" PRIx64 " by DMA is not what is there", target);
}

int peer_memory_main(int argc, char **argv)
{
	volatile uint8_t *edu, *memory;
	uint64_t target, place;

	if (argc != 4)
		errx(2, "peer-memory: EDU-DEVICE MEMORY-DEVICE OFFSET");
	place = strtoull(argv[3], NULL, 0);
	edu = map_bar(argv[1], "resource0", 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	memory = map_bar(argv[2], "resource2", (off_t)place, PCI_COMMAND_MEMORY);
	target = bar_physical(argv[2], 2) + place;
	copy_both_ways(edu, target, memory, 0x811c9dc5);
	change_command(argv[2], PCI_COMMAND_MEMORY, 0);
	change_command(argv[2], 0, PCI_COMMAND_MEMORY);
	copy_both_ways(edu, target, memory, 0x01234567);
	printf("ok, twice both ways at 0x%" PRIx64 "\n", target);
	return 0;
}
