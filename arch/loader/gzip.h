/* SPDX-License-Identifier: BSD-3-Clause */
/* Decompressing gzip data (RFC 1952) of a file, by pieces, into guest RAM. */

#ifndef FERRY_ARCH_LOADER_GZIP_H
#define FERRY_ARCH_LOADER_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "arch/loader/load.h"
#include "vmm/base/err.h"

/* Where in a file the compressed bytes are: one gzip member, zeros may follow. */
struct gzip_part {
	const struct boot_file *file; /* outlives the part */
	uint64_t offset;
	uint64_t size;
};

/* Whether @bytes begin as gzip data does. */
bool gzip_is_gzip(const uint8_t *bytes, size_t size);

/*
 * Decompresses only the first bytes, at most @room; *@got is how many there are. -ENODATA (truncated),
 * -ENOEXEC (corrupt), -ENOMEM or a read's error with @err set; later faults are not seen.
 */
int gzip_peek(const struct gzip_part *part, void *buffer, size_t room, size_t *got,
	      struct err *err) FERRY_MUST_CHECK;

/*
 * Decompresses all of it straight into RAM at @gpa, which the caller claimed for @room bytes; *@size is
 * how many came. Errors as before, -EFBIG when there is more than @room, -ENOEXEC also for a wrong
 * checksum and for what follows the data; RAM then has a part of it.
 */
int gzip_load(struct loader *loader, const struct gzip_part *part, uint64_t gpa, uint64_t room,
	      uint64_t *size, struct err *err) FERRY_MUST_CHECK;

#endif
