/* SPDX-License-Identifier: BSD-3-Clause */
/* The file or block device behind a disk: opened, locked, measured. Raw bytes and nothing else. */

#ifndef FERRY_DEVICES_VIRTIO_IMAGE_H
#define FERRY_DEVICES_VIRTIO_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/err.h"

struct image_config {
	const char *path; /* for messages alone with `fd` */
	int fd;           /* open already, and the image's from image_open() on; 0: none */
	bool readonly;
	bool direct;         /* past the host's page cache */
	bool raw;            /* also one that begins as another format does */
	uint32_t block_size; /* 512 or 4096 bytes; 0: the host's, 512 if it lets that */
};

/* Zero-initialised it is none. */
struct image {
	int fd;        /* by way of the page cache */
	int direct_fd; /* of the same file; -1 unless asked for */
	int lock_fd;   /* likewise; -1: the locks are those of `fd` */
	uint64_t size; /* bytes that are offered, a multiple of block_size */
	uint32_t block_size, physical_block_size;
	uint32_t alignment; /* of direct I/O: of buffers, offsets and lengths */
};

/*
 * Opens it and keeps it locked (OFD locks on QEMU's bytes) as long as it is open: one that writes
 * has it alone, several may read. One that was open already is opened anew to be locked; where that
 * is refused, which is told, whoever has been given the same has it too. A tail that is no whole
 * block is not offered, which is told. A negative errno with @err, and nothing is open, when it is
 * no file or block device, somebody else has it, it is too small, or it is of a format that has to
 * be read by another program.
 */
int image_open(struct image *image, const struct image_config *config,
	       struct err *err) FERRY_MUST_CHECK;
void image_close(struct image *image);

/* The format that the @size bytes at the beginning of an image are of; NULL: none that is known. */
const char *image_find_format(const uint8_t *bytes, size_t size);

#endif
