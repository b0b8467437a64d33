/* SPDX-License-Identifier: BSD-3-Clause */
/* BARs: one that is memory tested from end to end, two of a size that change places. */

#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

enum {
	PCI_COMMAND = 0x04,
	PCI_COMMAND_MEMORY = 0x02,
	PCI_BAR_0 = 0x10,
	PCI_BAR_KIND = 0x0f,
	PCI_BAR_IS_IO = 0x01,
	PCI_BAR_IS_64 = 0x04,
};

int device_open(const char *device, const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", device, name);
	fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static uint32_t config_read(int config, unsigned int offset)
{
	uint32_t value;

	if (pread(config, &value, 4, offset) != 4)
		err(1, "config space at 0x%x", offset);
	return value;
}

static void config_write(int config, unsigned int offset, uint32_t value)
{
	if (pwrite(config, &value, 4, offset) != 4)
		err(1, "config space at 0x%x", offset);
}

uint64_t bar_address(int config, unsigned int bar)
{
	uint32_t low = config_read(config, PCI_BAR_0 + 4 * bar);
	uint64_t address = low & ~(uint32_t)PCI_BAR_KIND;

	if (low & PCI_BAR_IS_IO)
		errx(1, "BAR %u has ports", bar);
	if (low & PCI_BAR_IS_64)
		address |= (uint64_t)config_read(config, PCI_BAR_0 + 4 * (bar + 1)) << 32;
	return address;
}

void bar_set_address(int config, unsigned int bar, uint64_t address)
{
	uint32_t kind = config_read(config, PCI_BAR_0 + 4 * bar) & PCI_BAR_KIND;

	config_write(config, PCI_BAR_0 + 4 * bar, (uint32_t)address | kind);
	if (kind & PCI_BAR_IS_64)
		config_write(config, PCI_BAR_0 + 4 * (bar + 1), (uint32_t)(address >> 32));
}

/* Two bytes: the status register beside it is cleared by writing. */
void memory_decode(int config, int on)
{
	uint16_t command = (uint16_t)config_read(config, PCI_COMMAND);

	command = (uint16_t)(on ? command | PCI_COMMAND_MEMORY : command & ~PCI_COMMAND_MEMORY);
	if (pwrite(config, &command, 2, PCI_COMMAND) != 2)
		err(1, "the command register");
}

volatile void *physical_map(uint64_t address, size_t size)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
	void *memory;

	if (fd < 0)
		err(1, "/dev/mem");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)address);
	if (memory == MAP_FAILED)
		err(1, "/dev/mem at 0x%" PRIx64, address);
	close(fd);
	return memory;
}

static uint64_t pattern(uint64_t offset)
{
	return ~offset * UINT64_C(0x9e3779b97f4a7c15);
}

/* Writes to a BAR that is memory: first and last word of each stride, then reads all of them. */
int bar_test_main(int argc, char **argv)
{
	uint64_t size, stride, places = 0;
	volatile uint64_t *memory;
	char name[32];
	struct stat status;
	int fd, config;

	if (argc != 4)
		errx(2, "bar-test: SYSFS-DEVICE BAR STRIDE");
	config = device_open(argv[1], "config");
	memory_decode(config, 1);
	snprintf(name, sizeof(name), "resource%s", argv[2]);
	fd = device_open(argv[1], name);
	if (fstat(fd, &status) != 0)
		err(1, "%s", name);
	size = (uint64_t)status.st_size;
	stride = strtoull(argv[3], NULL, 0);
	if (stride < 16 || stride > size || size % stride != 0)
		errx(2, "bar-test: a stride of 0x%" PRIx64 " in 0x%" PRIx64, stride, size);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		err(1, "%s", name);
	for (uint64_t at = 0; at < size; at += stride) {
		memory[at / 8] = pattern(at);
		memory[(at + stride) / 8 - 1] = pattern(at + stride - 8);
	}
	for (uint64_t at = 0; at < size; at += stride, places += 2)
		if (memory[at / 8] != pattern(at) ||
		    memory[(at + stride) / 8 - 1] != pattern(at + stride - 8))
			errx(1, "BAR %s: it does not hold what was written at 0x%" PRIx64, argv[2],
			     at);
	printf("ok 0x%" PRIx64 " bytes at 0x%" PRIx64 ", %" PRIu64 " places\n", size,
	       bar_address(config, (unsigned int)strtoul(argv[2], NULL, 0)), places);
	return 0;
}

static uint32_t peek(uint64_t bar, uint64_t offset)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	volatile uint8_t *memory = physical_map(bar + offset / page * page, page);
	uint32_t value = *(volatile uint32_t *)(memory + offset % page);

	munmap((void *)memory, page);
	return value;
}

/*
 * Two BARs of one size, in none of which a driver is at work, exchange their addresses and take
 * them back: the word at an offset in the first must come along each time.
 */
int bar_swap_main(int argc, char **argv)
{
	uint64_t first, second, offset;
	uint32_t before, moved, other, after;
	unsigned int a, b;
	int config;

	if (argc != 5)
		errx(2, "bar-swap: SYSFS-DEVICE BAR BAR OFFSET");
	config = device_open(argv[1], "config");
	a = (unsigned int)strtoul(argv[2], NULL, 0);
	b = (unsigned int)strtoul(argv[3], NULL, 0);
	offset = strtoull(argv[4], NULL, 0);
	first = bar_address(config, a);
	second = bar_address(config, b);
	memory_decode(config, 1);
	before = peek(first, offset);
	memory_decode(config, 0);
	bar_set_address(config, a, second);
	bar_set_address(config, b, first);
	memory_decode(config, 1);
	moved = peek(second, offset);
	other = peek(first, offset);
	memory_decode(config, 0);
	bar_set_address(config, a, first);
	bar_set_address(config, b, second);
	memory_decode(config, 1);
	after = peek(first, offset);
	if (moved != before || other == before || after != before)
		errx(1, "0x%08x before, 0x%08x moved, 0x%08x in its old place, 0x%08x back", before,
		     moved, other, after);
	printf("ok 0x%08x at 0x%" PRIx64 " and at 0x%" PRIx64 "\n", before, first, second);
	return 0;
}
