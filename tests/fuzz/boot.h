/* SPDX-License-Identifier: BSD-3-Clause */
/* A kernel file and initrds made of an input, for the targets that boot them. */

#ifndef FERRY_TESTS_FUZZ_BOOT_H
#define FERRY_TESTS_FUZZ_BOOT_H

#include <check.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/arch.h"
#include "tests/fuzz/input.h"

/* The unit tests' helpers, where no unit test runs. */
#undef ck_assert
#undef ck_assert_int_eq
#define ck_assert(condition)   require(condition)
#define ck_assert_int_eq(a, b) require((a) == (b))
#include "tests/unit/arch/loader/test_gzip.h"

enum {
	BOOT_FILE_MAX = 1 << 16,
	BOOT_PACKED_MAX = BOOT_FILE_MAX + 4096,
	BOOT_PIECES_MAX = 64,
	BOOT_ZBOOT_SIZE = 64,
	BOOT_INITRDS = 3,
};

/* The first byte of an input. */
enum {
	BOOT_GZIP = 1 << 0, /* or else, with the next, zstd */
	BOOT_ZSTD = 1 << 1,
	BOOT_ZBOOT = 1 << 2,   /* what is packed goes behind such a header */
	BOOT_SHRINKS = 1 << 3, /* once its size is known */
	BOOT_USED = 1 << 4,    /* RAM has something else in it, as after a reset */
	BOOT_HAS_INITRDS = 1 << 5,
	BOOT_GROWS = 1 << 6, /* a hole behind what is in it */
};

struct boot_files {
	uint8_t plain[BOOT_FILE_MAX], packed[BOOT_PACKED_MAX];
	size_t size;
	int kernel, initrd;
};

static struct boot_files files = {.kernel = -1, .initrd = -1};

/* Pieces of a file: offset, length, bytes; it ends where the last of them does. */
static inline void boot_take_pieces(struct input *input)
{
	unsigned int count = 1 + take8(input) % BOOT_PIECES_MAX;

	memset(files.plain, 0, sizeof(files.plain));
	files.size = 0;
	while (count-- && input->left > 0) {
		size_t at = take16(input), length = take8(input);

		if (length > BOOT_FILE_MAX - at)
			length = BOOT_FILE_MAX - at;
		take(input, files.plain + at, length);
		if (files.size < at + length)
			files.size = at + length;
	}
}

static inline const uint8_t *boot_pack(uint8_t how)
{
	size_t head = how & BOOT_ZBOOT ? BOOT_ZBOOT_SIZE : 0;
	size_t (*pack)(const void *data, size_t size, uint8_t *to, size_t room) =
		how & BOOT_GZIP ? compress_gzip : compress_zstd;
	size_t size;

	if (!(how & (BOOT_GZIP | BOOT_ZSTD)))
		return files.plain;
	size = pack(files.plain, files.size, files.packed + head, BOOT_PACKED_MAX - head);
	if (head)
		make_zboot(files.packed, how & BOOT_GZIP ? "gzip" : "zstd", BOOT_ZBOOT_SIZE,
			   (uint32_t)size);
	files.size = head + size;
	return files.packed;
}

static inline void boot_fill(int *fd, const void *bytes, size_t size)
{
	if (*fd < 0)
		*fd = memfd_create("file", MFD_CLOEXEC);
	require(*fd >= 0 && !ftruncate(*fd, 0) && pwrite(*fd, bytes, size, 0) == (ssize_t)size);
}

/* Sizes are believed; what is there of an initrd is a few bytes. */
static inline void boot_take_initrds(struct input *input, struct boot_source *source)
{
	static const uint8_t bytes[4096] = "an initrd";

	boot_fill(&files.initrd, bytes, sizeof(bytes));
	source->initrd_count = 1 + take8(input) % BOOT_INITRDS;
	for (size_t i = 0; i < source->initrd_count; i++) {
		uint8_t shift = take8(input);
		uint64_t size = (uint64_t)take8(input) << (shift & 64 ? shift & 63 : shift & 3);

		source->initrds[i] = (struct boot_file){"initrd", files.initrd, size};
	}
}

/* Takes all of the source but its command line; how the rest is to be done. */
static inline uint8_t boot_take(struct input *input, struct boot_source *source)
{
	uint8_t how = take8(input);
	uint64_t size;

	*source = (struct boot_source){.cmdline = how & 0x80 ? NULL : "console=ttyS0"};
	if (how & BOOT_HAS_INITRDS)
		boot_take_initrds(input, source);
	size = how & BOOT_GROWS ? take_number(input, 3) : 0;
	boot_take_pieces(input);
	boot_fill(&files.kernel, boot_pack(how), files.size);
	size += files.size;
	require(!ftruncate(files.kernel, (off_t)(how & BOOT_SHRINKS ? size / 2 : size)));
	source->kernel = (struct boot_file){"kernel", files.kernel, size};
	return how;
}

#endif
