/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decompressing a part of a file, by pieces, into guest RAM; each format is a table of functions.
 */

#ifndef FERRY_ARCH_LOADER_UNPACK_H
#define FERRY_ARCH_LOADER_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "arch/loader/load.h"
#include "vmm/base/err.h"

/* What a step reads and writes; the step moves both on. */
struct unpack_io {
	const uint8_t *in;
	size_t in_size;
	uint8_t *out;
	size_t out_size;
};

struct unpack_format {
	const char *name;
	/* Whether @bytes begin as data of this format does. */
	bool (*begins)(const uint8_t *bytes, size_t size);
	/* A decoder of one frame after the other; NULL: out of memory. */
	void *(*create)(void);
	void (*destroy)(void *decoder);
	/*
	 * Decodes what there is input and room for. *@ended: a frame has ended, intact, and all
	 * that it held is out. -ENOMEM, or -ENOEXEC with *@why, static text.
	 */
	int (*step)(void *decoder, struct unpack_io *io, bool *ended, const char **why);
};

/* Where in a file the compressed bytes are: frames one behind the other, zeros may follow. */
struct unpack_part {
	const struct boot_file *file; /* outlives the part */
	uint64_t offset;
	uint64_t size;
	const struct unpack_format *format;
};

/* The format that @bytes, a file's first, begin as; NULL: none that is known here. */
const struct unpack_format *unpack_find(const uint8_t *bytes, size_t size);

/*
 * Decompresses only the first bytes, at most @room; *@got is how many there are. -ENODATA
 * (truncated), -ENOEXEC (corrupt), -ENOMEM or a read's error with @err set; later faults are not
 * seen.
 */
int unpack_peek(const struct unpack_part *part, void *buffer, size_t room, size_t *got,
		struct err *err) FERRY_MUST_CHECK;

/*
 * Decompresses all of it straight into RAM at @gpa, which the caller claimed for @room bytes;
 * *@size is how many came. Errors as before, -EFBIG when there is more than @room, -ENOEXEC also
 * for a wrong checksum and for what follows the data; RAM then has a part of it.
 */
int unpack_load(struct loader *loader, const struct unpack_part *part, uint64_t gpa, uint64_t room,
		uint64_t *size, struct err *err) FERRY_MUST_CHECK;

#endif
