/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages of vfio-user as a server sees them (QEMU, docs/interop/vfio-user.rst). */

#ifndef FERRY_TESTS_SUPPORT_USER_SERVER_PROTOCOL_H
#define FERRY_TESTS_SUPPORT_USER_SERVER_PROTOCOL_H

#include <stdint.h>

enum server_command {
	COMMAND_VERSION = 1,
	COMMAND_DMA_MAP = 2,
	COMMAND_DMA_UNMAP = 3,
	COMMAND_INFO = 4,
	COMMAND_REGION_INFO = 5,
	COMMAND_IO_FDS = 6,
	COMMAND_IRQ_INFO = 7,
	COMMAND_SET_IRQS = 8,
	COMMAND_READ = 9,
	COMMAND_WRITE = 10,
	COMMAND_DMA_READ = 11,
	COMMAND_DMA_WRITE = 12,
	COMMAND_RESET = 13,
	COMMANDS,
};

enum { SERVER_MINOR = 1 };

enum { FLAG_REPLY = 1, FLAG_NO_REPLY = 16, FLAG_ERROR = 32 };

/* Most descriptors and bytes of data that a message has. */
enum { SERVER_FDS = 8, SERVER_DATA = 64 * 1024, SERVER_PAYLOAD = SERVER_DATA + 64 };

struct server_header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

struct server_version {
	uint16_t major, minor;
	char json[];
};

struct server_info {
	uint32_t argsz, flags, regions, irqs;
};

struct server_access {
	uint64_t offset;
	uint32_t region, count;
	uint8_t data[];
};

struct server_io_fds {
	uint32_t argsz, flags, region, count;
};

struct server_io_fd {
	uint64_t offset, size;
	uint32_t fd, type, flags, padding;
	uint64_t match;
};

struct server_map {
	uint32_t argsz, flags;
	uint64_t offset, address, size;
};

struct server_unmap {
	uint32_t argsz, flags;
	uint64_t address, size;
};

struct server_dma {
	uint64_t address, count;
	uint8_t data[];
};

#endif
