/* SPDX-License-Identifier: BSD-3-Clause */
/* Tries QEMU's edu device through its mapped BAR: registers, factorial, and DMA both ways. */

#define _GNU_SOURCE
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "guest-images/tool/labtool.h"

/* Registers and the device's own buffer, from QEMU's docs/specs/edu. */
enum {
	EDU_IDENTIFICATION = 0x00,
	EDU_LIVENESS = 0x04,
	EDU_FACTORIAL = 0x08,
	EDU_STATUS = 0x20,
	EDU_DMA_SOURCE = 0x80,
	EDU_DMA_DESTINATION = 0x88,
	EDU_DMA_COUNT = 0x90,
	EDU_DMA_COMMAND = 0x98,
	EDU_BUFFER = 0x40000,
	EDU_BAR_SIZE = 0x100000,
	EDU_STATUS_COMPUTING = 0x01,
	EDU_DMA_START = 0x01,
	EDU_DMA_TO_RAM = 0x02,
	PCI_COMMAND = 0x04,
	PCI_COMMAND_MEMORY_MASTER = 0x06,
	DMA_SIZE = 2048, /* QEMU 7.2 ends itself when a transfer fills the device's 4 KiB */
};

static volatile uint8_t *bar;

static uint32_t read32(size_t offset)
{
	return *(volatile uint32_t *)(bar + offset);
}

static void write32(size_t offset, uint32_t value)
{
	*(volatile uint32_t *)(bar + offset) = value;
}

static void write64(size_t offset, uint64_t value)
{
	*(volatile uint64_t *)(bar + offset) = value;
}

static void enable_device(const char *device)
{
	uint16_t command = 0;
	int fd = device_open(device, "config");

	if (pread(fd, &command, 2, PCI_COMMAND) != 2)
		err(1, "%s: config", device);
	command |= PCI_COMMAND_MEMORY_MASTER;
	if (pwrite(fd, &command, 2, PCI_COMMAND) != 2)
		err(1, "%s: config", device);
	close(fd);
}

static void map_bar(const char *device)
{
	int fd = device_open(device, "resource0");

	bar = mmap(NULL, EDU_BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bar == MAP_FAILED)
		err(1, "%s: resource0", device);
	close(fd);
}

static void wait_clear(size_t offset, uint32_t bits, const char *what)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};

	for (int tries = 0; tries < 1000; tries++) {
		if (!(read32(offset) & bits))
			return;
		nanosleep(&pause, NULL);
	}
	errx(1, "edu: %s did not end", what);
}

static void check_registers(void)
{
	uint32_t value = read32(EDU_IDENTIFICATION);

	/* 0xRRrr00ed: major and minor version. */
	if (value != 0x010000ed)
		errx(1, "edu: identification is 0x%08x", value);
	for (uint32_t x = 0x12345678; x; x <<= 4) {
		write32(EDU_LIVENESS, x);
		value = read32(EDU_LIVENESS);
		if (value != ~x)
			errx(1, "edu: liveness of 0x%08x is 0x%08x", x, value);
	}
	write32(EDU_FACTORIAL, 10);
	wait_clear(EDU_STATUS, EDU_STATUS_COMPUTING, "the factorial");
	value = read32(EDU_FACTORIAL);
	if (value != 3628800)
		errx(1, "edu: the factorial of 10 is %u", value);
}

static void dma(uint64_t source, uint64_t destination, uint64_t command)
{
	write64(EDU_DMA_SOURCE, source);
	write64(EDU_DMA_DESTINATION, destination);
	write64(EDU_DMA_COUNT, DMA_SIZE);
	write64(EDU_DMA_COMMAND, EDU_DMA_START | command);
	wait_clear(EDU_DMA_COMMAND, EDU_DMA_START, "a DMA transfer");
}

static void check_dma(uint64_t lowest)
{
	uint32_t *out = buffer_alloc(DMA_SIZE), *in = buffer_alloc(DMA_SIZE);
	uint64_t out_address = buffer_physical(out), in_address = buffer_physical(in);

	if (out_address < lowest || in_address < lowest)
		errx(1, "edu: buffers at 0x%" PRIx64 " and 0x%" PRIx64 " are below 0x%" PRIx64,
		     out_address, in_address, lowest);
	for (uint32_t i = 0; i < DMA_SIZE / 4; i++)
		out[i] = 0x9e3779b9 * (i + 1);
	dma(out_address, EDU_BUFFER, 0);
	dma(EDU_BUFFER, in_address, EDU_DMA_TO_RAM);
	if (memcmp(in, out, DMA_SIZE) != 0)
		errx(1, "edu: DMA from 0x%" PRIx64 " to 0x%" PRIx64 " changed the data",
		     out_address, in_address);
	printf("edu ok, DMA from 0x%" PRIx64 " to 0x%" PRIx64 "\n", out_address, in_address);
}

int edu_main(int argc, char **argv)
{
	if (argc < 2)
		errx(2, "edu: no device named");
	enable_device(argv[1]);
	map_bar(argv[1]);
	check_registers();
	check_dma(argc > 2 ? strtoull(argv[2], NULL, 0) : 0);
	return 0;
}

static void move(const char *device, int config, uint64_t address)
{
	memory_decode(config, 0);
	bar_set_address(config, 0, address);
	memory_decode(config, 1);
	if (bar_address(config, 0) != address)
		errx(1, "%s: BAR 0 is at 0x%" PRIx64 ", not at 0x%" PRIx64, device,
		     bar_address(config, 0), address);
}

/* The same at an address that nobody uses, behind the kernel's back, and once more where it was. */
int edu_moved_main(int argc, char **argv)
{
	uint64_t old, address;
	uint32_t left;
	int config;

	if (argc != 3)
		errx(2, "edu-moved: SYSFS-DEVICE ADDRESS");
	enable_device(argv[1]);
	config = device_open(argv[1], "config");
	old = bar_address(config, 0);
	address = strtoull(argv[2], NULL, 0);
	move(argv[1], config, address);
	bar = physical_map(old, EDU_BAR_SIZE);
	left = read32(EDU_IDENTIFICATION);
	if (left != UINT32_MAX)
		errx(1, "edu: 0x%08x is still at 0x%" PRIx64, left, old);
	bar = physical_map(address, EDU_BAR_SIZE);
	check_registers();
	check_dma(0);
	move(argv[1], config, old);
	map_bar(argv[1]);
	check_registers();
	check_dma(0);
	printf("moved from 0x%" PRIx64 " to 0x%" PRIx64 " and back\n", old, address);
	return 0;
}
