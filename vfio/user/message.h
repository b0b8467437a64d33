/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages of vfio-user, both ways (QEMU, docs/interop/vfio-user.rst, version 0.1). */

#ifndef FERRY_VFIO_USER_MESSAGE_H
#define FERRY_VFIO_USER_MESSAGE_H

#include <stdint.h>

#include "vmm/base/err.h"

enum vfio_user_command {
	VFIO_USER_VERSION = 1,
	VFIO_USER_DMA_MAP = 2,
	VFIO_USER_DMA_UNMAP = 3,
	VFIO_USER_GET_INFO = 4,
	VFIO_USER_GET_REGION_INFO = 5,
	VFIO_USER_GET_REGION_IO_FDS = 6,
	VFIO_USER_GET_IRQ_INFO = 7,
	VFIO_USER_SET_IRQS = 8,
	VFIO_USER_REGION_READ = 9,
	VFIO_USER_REGION_WRITE = 10,
	VFIO_USER_DMA_READ = 11, /* the server's, as is the next */
	VFIO_USER_DMA_WRITE = 12,
	VFIO_USER_RESET = 13,
};

/* In `flags`. */
enum {
	VFIO_USER_TYPE_MASK = 0xf,
	VFIO_USER_REPLY = 1,
	VFIO_USER_NO_REPLY = 1 << 4,
	VFIO_USER_ERROR = 1 << 5,
};

enum { VFIO_USER_MAJOR = 0, VFIO_USER_MINOR = 1 };

/* All numbers are in the machine's own byte order. */
struct vfio_user_header {
	uint16_t id, command;
	uint32_t size; /* with this header */
	uint32_t flags;
	uint32_t error; /* an errno, of an answer with VFIO_USER_ERROR */
};

struct vfio_user_version {
	uint16_t major, minor;
	/* JSON with its terminating zero follows. */
};

struct vfio_user_info {
	uint32_t argsz, flags, regions, irqs;
};

/* REGION_READ and REGION_WRITE, and their answers; data follows. */
struct vfio_user_access {
	uint64_t offset;
	uint32_t region, count;
};

/* GET_REGION_IO_FDS, and its answer, which entries follow. */
struct vfio_user_io_fds {
	uint32_t argsz, flags, index, count;
};

enum { VFIO_USER_IOEVENTFD = 0 };

/* Writes there signal descriptor @fd of the message; @flags are those of KVM_IOEVENTFD. */
struct vfio_user_io_fd {
	uint64_t offset, size;
	uint32_t fd, type, flags, padding;
	uint64_t match;
};

struct vfio_user_map {
	uint32_t argsz, flags; /* bit 0: it may be read, bit 1: written */
	uint64_t offset, address, size;
};

struct vfio_user_unmap {
	uint32_t argsz, flags;
	uint64_t address, size;
};

/*
 * DMA_READ and DMA_WRITE; data follows the latter, and the answer to the former. The answer to
 * DMA_WRITE has a count of four bytes by the specification, of eight for libvfio-user, which takes
 * no shorter one: the latter begins as the former does.
 */
struct vfio_user_dma {
	uint64_t address, count;
};

/* What a side that says nothing of itself takes. */
enum {
	VFIO_USER_USUAL_FDS = 1,
	VFIO_USER_USUAL_TRANSFER = 1 << 20,
	VFIO_USER_USUAL_MAPS = 65535,
	VFIO_USER_USUAL_PAGES = 1 << 12,
};

/* Most descriptors with a message that is let in: what its sender is told. */
enum { VFIO_USER_FDS = 16 };

/* Most bytes of a message that is let in: its data, and what is before that. */
enum { VFIO_USER_MESSAGE_MAX = VFIO_USER_USUAL_TRANSFER + 64 };

/* What an answer with VFIO_USER_ERROR says went wrong: a negative errno. */
int vfio_user_error(const struct vfio_user_header *header);

/* "REGION_READ" and the like, for a person. */
const char *vfio_user_name(unsigned int command);

#endif
